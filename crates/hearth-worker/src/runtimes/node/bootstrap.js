// Copyright The Hearth Authors. SPDX-License-Identifier: Apache-2.0
//
// Runs a Node.js function: finds its handler, then answers one event after the other.
//
// It behaves as AWS's runtime client for Node.js does (error types, texts, traces, context, log lines, the rule of the
// empty event loop), and talks to the platform over two inherited pipes instead of HTTP. While it waits for an event
// the whole process waits, as it does on AWS, where it is frozen: what a handler left behind goes on with the next one.
//
// A frame is two 32-bit little-endian numbers, then bytes. From the platform: the length of the leading fields (NUL
// between them) and the length of all; the payload follows the fields. To it: kind and number of the event, length.
'use strict';

const fs = require('node:fs');
const { Context } = require('./context.js');
const { findHandler } = require('./handler.js');
const { installConsole, setInvocation, logError } = require('./log.js');
// What few cold starts need is loaded when it is needed: `errors.js`, `streams.js`.

const [EVENTS, ANSWERS] = [3, 4];
const [READY, RESPONSE, ERROR, INIT_ERROR, TOO_LARGE] = [1, 2, 3, 4, 5];
/** Marks a handler that streams its answer. */
const STREAMS = Symbol.for('aws.lambda.runtime.handler.streaming');
/** Where an `import` finds what a `require` finds by `NODE_PATH`. */
const IMPORTS_ONLY = ['/node_modules', '/var/node_modules'];
const READ_SIZE = 65536;
const RESPONSE_BYTES_MAX = 6291556;
const [REJECTED, UNCAUGHT] = [128, 129]; // exit codes of AWS's client

const errors = () => require('./errors.js');
const streams = () => require('./streams.js');

const first = Buffer.allocUnsafeSlow(READ_SIZE);
/** What happens when nothing keeps the process alive any more. */
let onEmptyLoop = null;
/** The invocation that runs. */
let current = null;

function send(kind, number, payload) {
  const frame = Buffer.allocUnsafe(8 + payload.length);
  frame.writeUInt32LE((kind | (number << 8)) >>> 0, 0);
  frame.writeUInt32LE(payload.length, 4);
  payload.copy(frame, 8);
  for (let sent = 0; sent < frame.length; ) sent += fs.writeSync(ANSWERS, frame, sent);
}

function read(into, at) {
  const length = fs.readSync(EVENTS, into, at, into.length - at, null);
  if (length === 0) process.reallyExit(0); // the platform has closed the channel
  return at + length;
}

/** The next event's fields, and its payload as text. */
function receive() {
  let have = read(first, 0);
  while (have < 8) have = read(first, have);
  const fieldsEnd = 8 + first.readUInt32LE(0);
  const end = 8 + first.readUInt32LE(4);
  let data = first;
  if (have < end) {
    data = Buffer.allocUnsafeSlow(end);
    first.copy(data, 0, 0, have);
    while (have < end) have = read(data, have);
  }
  return [data.utf8Slice(8, fieldsEnd).split('\0'), data.utf8Slice(fieldsEnd, end)];
}

function serialise(result) {
  try {
    const text = JSON.stringify(result === undefined ? null : result);
    return Buffer.from(text === undefined ? 'null' : text);
  } catch {
    throw new Error('Unable to stringify response body');
  }
}

/** Answers the invocation once, then turns to the next one. */
class Invocation {
  constructor(fields) {
    this.number = Number(fields[6]);
    this.over = false;
    this.waitsForEmptyLoop = true;
  }

  respond(bytes) {
    if (this.over) return;
    if (bytes.length > RESPONSE_BYTES_MAX) return this.answer(TOO_LARGE, Buffer.alloc(0));
    this.answer(RESPONSE, bytes);
  }

  fail(error, then) {
    if (this.over) return;
    logError('Invoke Error', error);
    this.answer(ERROR, errors().answerOf(error), then);
  }

  answer(kind, bytes, then = () => setImmediate(next)) {
    this.over = true;
    onEmptyLoop = null;
    send(kind, this.number, bytes);
    then();
  }

  succeed(result) {
    let bytes;
    try {
      bytes = serialise(result);
    } catch (error) {
      return this.fail(error);
    }
    this.respond(bytes);
  }

  /** The handler's callback: a result waits until the event loop is empty, unless told otherwise. */
  callback(error, result) {
    if (this.over) return;
    if (error !== undefined && error !== null) return this.fail(error);
    if (!this.waitsForEmptyLoop) return this.succeed(result);
    onEmptyLoop = () => setImmediate(() => this.succeed(result));
  }
}

function next() {
  const [fields, payload] = receive();
  const [requestId, deadline, arn, trace, tenant, identity, , client] = fields;
  setInvocation(requestId, tenant);
  if (trace) process.env._X_AMZN_TRACE_ID = trace;
  else delete process.env._X_AMZN_TRACE_ID;
  const invocation = (current = new Invocation(fields));
  onEmptyLoop = () => ended(invocation);
  try {
    const context = new Context(invocation, { requestId, deadline: Number(deadline), arn, tenant, identity, client });
    run(invocation, JSON.parse(payload), context);
  } catch (error) {
    invocation.fail(error);
  }
}

let handler;
let isAsync = false;
let isStreaming = false;

function run(invocation, event, context) {
  if (isStreaming) {
    streams().collected(handler, event, context).then((bytes) => invocation.respond(bytes), (error) => invocation.fail(error));
    return;
  }
  const result = handler(event, context, (error, value) => invocation.callback(error, value));
  if (result !== null && typeof result === 'object' && typeof result.then === 'function') {
    result.then((value) => invocation.succeed(value), (error) => invocation.fail(errors().toError(error)));
  }
}

/** Nothing is left to do and nobody has answered. */
function ended(invocation) {
  if (isAsync || isStreaming) invocation.fail(new (errors().NodeJsExit)());
  else invocation.succeed(null);
}

function die(name, error, code) {
  logError(name, error);
  if (current !== null && !current.over) {
    current.answer(ERROR, errors().answerOf(error), () => process.exit(code));
  } else if (current === null) {
    send(INIT_ERROR, 0, errors().answerOf(error));
    process.exit(code);
  } else {
    process.exit(code);
  }
}

/** `awslambda`, unless the function does without. */
function installGlobals() {
  if (['1', 'true'].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) return;
  globalThis.awslambda = {
    streamifyResponse: (...values) => streams().streamifyResponse(...values),
    get HttpResponseStream() {
      return streams().HttpResponseStream;
    },
  };
}

/** A `require` looks where AWS's does: the SDK and the layers come by `NODE_PATH`, not from above `/var/task`. */
function installPaths() {
  const Module = require('node:module');
  const above = Module._nodeModulePaths;
  Module._nodeModulePaths = (from) => above(from).filter((place) => !IMPORTS_ONLY.includes(place));
}

async function main() {
  installConsole();
  installGlobals();
  installPaths();
  process.on('beforeExit', () => {
    const then = onEmptyLoop;
    onEmptyLoop = null;
    if (then !== null) then();
  });
  process.on('uncaughtException', (error) => die('Uncaught Exception', error, UNCAUGHT));
  process.on('unhandledRejection', (reason, promise) =>
    die('Unhandled Promise Rejection', new (errors().UnhandledPromiseRejection)(reason, promise), REJECTED)
  );
  try {
    handler = await findHandler(process.env.LAMBDA_TASK_ROOT || '/var/task', process.env._HANDLER || '');
  } catch (error) {
    return die('Uncaught Exception', error, UNCAUGHT);
  }
  isStreaming = handler[STREAMS] === 'response';
  isAsync = handler.constructor.name === 'AsyncFunction';
  // What the module left to be done at once belongs to the init.
  setImmediate(() => {
    send(READY, 0, Buffer.alloc(0));
    next();
  });
}

main();
