// Copyright The Hearth Authors. SPDX-License-Identifier: Apache-2.0
//
// The console: one line an event, with time, request id and level between tabs. The lines of one event are joined by
// carriage returns, which become line breaks again where logs are collected.
// GAP(log-format): LoggingConfig's JSON format and levels.
'use strict';

const fs = require('node:fs');
const { format } = require('node:util');
const { logged } = require('./errors.js');

const STDOUT = 1;
const LEVELS = { trace: 'TRACE', debug: 'DEBUG', log: 'INFO', info: 'INFO', warn: 'WARN', error: 'ERROR', fatal: 'FATAL' };

let requestId;

function setRequestId(id) {
  requestId = id;
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

function line(level, message) {
  write(`${new Date().toISOString()}\t${requestId}\t${level}\t${message.replaceAll('\n', '\r')}\n`);
}

function installConsole() {
  for (const [name, level] of Object.entries(LEVELS)) {
    console[name] = (...values) => line(level, format(...values));
  }
}

function logError(what, error) {
  line('ERROR', `${what} ${logged(error)}`);
}

module.exports = { installConsole, setRequestId, logError };
