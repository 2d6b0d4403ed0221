// Copyright The Hearth Authors. SPDX-License-Identifier: Apache-2.0
//
// Errors as AWS's runtime client names and spells them.
'use strict';

const { types } = require('node:util');

function named(name, base = Error) {
  return class extends base {
    constructor(message) {
      super(message);
      this.name = name;
    }
  };
}

/** An error that stands for another one, with its stack. */
function wrapping(name) {
  return class extends Error {
    constructor(cause) {
      super(String(cause));
      this.name = name;
      if (typeof cause.stack === 'string') this.stack = `${name}: ${cause.stack}`;
    }
  };
}

const ImportModuleError = wrapping('Runtime.ImportModuleError');
const UserCodeSyntaxError = wrapping('Runtime.UserCodeSyntaxError');
const HandlerNotFound = named('Runtime.HandlerNotFound');
const MalformedHandlerName = named('Runtime.MalformedHandlerName');
const CallbackHandlerDeprecated = named('Runtime.CallbackHandlerDeprecated');

class UnhandledPromiseRejection extends Error {
  constructor(reason, promise) {
    super(String(reason));
    this.name = 'Runtime.UnhandledPromiseRejection';
    this.reason = reason;
    this.promise = promise;
  }
}

class NodeJsExit extends Error {
  constructor() {
    super(
      'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise ' +
        'that was never settled. For more information, see ' +
        'https://nodejs.org/docs/latest/api/process.html#exit-codes'
    );
    this.name = 'Runtime.NodeJsExit';
  }
}

function isErrorLike(value) {
  if (types.isNativeError(value)) return true;
  return Boolean(value) && ['name', 'message', 'stack'].every((name) => value[name] && typeof value[name] === 'string');
}

/** What a handler rejected with; nothing at all counts as an error too. */
function toError(value) {
  return value === undefined || value === null ? new Error(String(value)) : value;
}

/** What is logged is always an error. */
function intoError(value) {
  return value instanceof Error ? value : new Error(value);
}

/** AWS's client sends these bytes in a header too, where DEL may not be. */
function withoutDel(text) {
  return typeof text === 'string' ? text.replaceAll('\x7f', '%7F') : text;
}

function described(error) {
  try {
    if (!isErrorLike(error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
    const trace = typeof error.stack === 'string' ? withoutDel(error.stack).split('\n') : [];
    return { errorType: withoutDel(error.name), errorMessage: withoutDel(error.message), trace };
  } catch {
    const what = 'its message, name, and stack';
    const errorMessage = `callback called with Error argument, but there was a problem while retrieving one or more of ${what}`;
    return { errorType: 'handled', errorMessage, trace: [] };
  }
}

/** The bytes that the caller gets for an error. */
function answerOf(error) {
  const answer = described(error);
  try {
    return Buffer.from(JSON.stringify(answer));
  } catch {
    // A name or a message that is no text.
    return Buffer.from(JSON.stringify({ errorType: String(answer.errorType), errorMessage: '', trace: answer.trace }));
  }
}

/** An error as its log line shows it: also in it, errors have their name, message and stack. */
function logged(error) {
  try {
    return `\t${JSON.stringify(error, (_, value) => (value instanceof Error ? shown(value) : value))}`;
  } catch {
    return `\t${JSON.stringify(described(error))}`;
  }
}

function shown(error) {
  const members = { errorType: error.name, errorMessage: error.message, code: error.code };
  Object.assign(members, error);
  if (typeof error.stack === 'string') members.stack = error.stack.split('\n');
  return members;
}

module.exports = {
  ImportModuleError,
  UserCodeSyntaxError,
  HandlerNotFound,
  MalformedHandlerName,
  CallbackHandlerDeprecated,
  UnhandledPromiseRejection,
  NodeJsExit,
  toError,
  intoError,
  answerOf,
  logged,
};
