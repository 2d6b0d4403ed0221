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
      const isError = isErrorLike(cause);
      super(isError ? String(cause) : cause);
      this.name = name;
      if (isError && typeof cause.stack === 'string') this.stack = `${name}: ${cause.stack}`;
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
  return (
    types.isNativeError(value) ||
    (value instanceof Object && Boolean(value.name && value.message && value.stack)) ||
    value instanceof Error
  );
}

/** What a handler rejected with; nothing at all counts as an error too. */
function toError(value) {
  return value === undefined || value === null ? new Error(String(value)) : value;
}

/** The bytes that the caller gets for an error. */
function answerOf(error) {
  let answer;
  try {
    answer = isErrorLike(error)
      ? {
          errorType: String(error.name),
          errorMessage: String(error.message),
          trace: String(error.stack).split('\n'),
        }
      : { errorType: typeof error, errorMessage: String(error), trace: [] };
  } catch {
    answer = { errorType: 'handled', errorMessage: 'callback called with Error argument, but there was a problem', trace: [] };
  }
  return Buffer.from(JSON.stringify(answer));
}

/** An error as its log line shows it. */
function logged(error) {
  if (!isErrorLike(error)) return `\t${text(error)}`;
  const shown = { errorType: String(error.name), errorMessage: String(error.message) };
  for (const name of Object.getOwnPropertyNames(error)) {
    if (!['name', 'message', 'stack'].includes(name)) shown[name] = error[name];
  }
  shown.stack = String(error.stack).split('\n');
  return `\t${text(shown)}`;
}

function text(value) {
  try {
    const inner = (_, member) =>
      isErrorLike(member)
        ? { errorType: member.name, errorMessage: member.message, stack: String(member.stack).split('\n') }
        : typeof member === 'bigint'
          ? String(member)
          : member;
    const json = JSON.stringify(value, inner);
    return json === undefined ? String(value) : json;
  } catch {
    return String(value);
  }
}

module.exports = {
  ImportModuleError,
  UserCodeSyntaxError,
  HandlerNotFound,
  MalformedHandlerName,
  CallbackHandlerDeprecated,
  UnhandledPromiseRejection,
  NodeJsExit,
  isErrorLike,
  toError,
  answerOf,
  logged,
};
