// Copyright The Hearth Authors. SPDX-License-Identifier: Apache-2.0
//
// The console. As text: one line an event, with time, request id and level between tabs; the lines of one event are
// joined by carriage returns, which become line breaks again where logs are collected. As JSON: one object an event.
// `AWS_LAMBDA_LOG_FORMAT` and `AWS_LAMBDA_LOG_LEVEL` say which, and from which level on.
'use strict';

const fs = require('node:fs');
const { format } = require('node:util');

const STDOUT = 1;
/** With their ranks; what the rank of the function's level exceeds is not written. */
const LEVELS = { TRACE: 1, DEBUG: 2, INFO: 3, WARN: 4, ERROR: 5, FATAL: 6 };
const METHODS = { trace: 'TRACE', debug: 'DEBUG', info: 'INFO', warn: 'WARN', error: 'ERROR' };
/** Where AWS's client keeps the id, and libraries look for it. */
const REQUEST_ID = Symbol.for('aws.lambda.runtime.requestId');

const { AWS_LAMBDA_LOG_FORMAT: wantedFormat = '', AWS_LAMBDA_LOG_LEVEL: wantedLevel = '' } = process.env;
const asJson = wantedFormat.toUpperCase() === 'JSON';
const least = LEVELS[wantedLevel.toUpperCase()] || LEVELS.TRACE;

let tenantId;

function setInvocation(requestId, tenant) {
  globalThis[REQUEST_ID] = requestId;
  tenantId = tenant;
}

function write(text) {
  const bytes = Buffer.from(text);
  for (let sent = 0; sent < bytes.length; ) {
    try {
      sent += fs.writeSync(STDOUT, bytes, sent);
    } catch (error) {
      // The function made its output one that does not wait.
      if (error.code !== 'EAGAIN') return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

function line(level, values) {
  const time = new Date().toISOString();
  const requestId = globalThis[REQUEST_ID];
  const text = asJson ? object(time, level, requestId, values) : `${time}\t${requestId}\t${level}\t${format(...values)}`;
  write(`${text.replaceAll('\n', '\r')}\n`);
}

/** One value is the message as it is; of several the text is, and the first error among them is named beside it. */
function object(timestamp, level, requestId, values) {
  const entry = { timestamp, level, requestId };
  if (tenantId) entry.tenantId = tenantId;
  if (values.length === 1) {
    entry.message = values[0];
    try {
      return JSON.stringify(entry, (_, value) => (value instanceof Error ? described(value) : value));
    } catch {
      entry.message = format(values[0]);
      return JSON.stringify(entry);
    }
  }
  entry.message = format(...values);
  const error = values.slice(1).concat(values[0]).find((value) => value instanceof Error);
  if (error) {
    const { errorType, errorMessage, stackTrace = [] } = described(error);
    Object.assign(entry, { errorType, errorMessage, stackTrace });
  }
  return JSON.stringify(entry);
}

function described(error) {
  const stackTrace = typeof error.stack === 'string' ? error.stack.split('\n') : error.stack;
  const errorType = (error.constructor && error.constructor.name) || 'UnknownError';
  return Object.assign({ errorType, errorMessage: error.message, stackTrace }, error);
}

function installConsole() {
  const silent = () => {};
  for (const [name, level] of Object.entries(METHODS)) {
    console[name] = LEVELS[level] < least ? silent : (...values) => line(level, values);
  }
  console.log = console.info;
  console.fatal = (...values) => line('FATAL', values);
}

/** As the runtime itself reports an error of the function. */
function logError(what, error) {
  if (LEVELS.ERROR < least) return;
  const { intoError, logged } = require('./errors.js');
  line('ERROR', asJson ? [intoError(error)] : [what, logged(intoError(error))]);
}

module.exports = { installConsole, setInvocation, logError };
