// Copyright The Hearth Authors. SPDX-License-Identifier: Apache-2.0
//
// Finds what `Handler` names: `index.handler`, `src/app.nested.handler`; CommonJS and ES modules.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
/** What went wrong, by its name; errors are loaded when there is one. */
function failure(name, about) {
  return new (require('./errors.js')[name])(about);
}

const MAJOR = Number(process.versions.node.split('.')[0]);
/** From this major version on AWS takes no callbacks. */
const WITHOUT_CALLBACKS = 24;
/** From this one on Node.js runs TypeScript by itself. */
const WITH_TYPES = 24;

async function findHandler(root, whole) {
  if (whole.includes('..')) {
    throw failure('MalformedHandlerName', 
      `'${whole}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`
    );
  }
  const base = path.basename(whole);
  const directory = whole.slice(0, whole.length - base.length);
  const parts = /^([^.]*)\.(.*)$/.exec(base);
  if (parts === null) throw failure('MalformedHandlerName', 'Bad handler');
  const [, name, members] = parts;
  let found = await load(root, directory, name);
  for (const member of members.split('.')) found = found === undefined || found === null ? undefined : found[member];
  if (!found) throw failure('HandlerNotFound', `${whole} is undefined or not exported`);
  if (typeof found !== 'function') throw failure('HandlerNotFound', `${whole} is not a function`);
  if (found.length > 2 && MAJOR >= WITHOUT_CALLBACKS) {
    throw failure('CallbackHandlerDeprecated', 
      'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. To resolve ' +
        'this error, update your function code to use async/await.'
    );
  }
  return found;
}

async function load(root, directory, name) {
  try {
    return await loadFile(path.resolve(root, directory, name), root, directory, name);
  } catch (error) {
    if (error instanceof SyntaxError) throw failure('UserCodeSyntaxError', error);
    if (error !== null && typeof error === 'object' && error.code === 'MODULE_NOT_FOUND') throw failure('ImportModuleError', error);
    throw error;
  }
}

async function loadFile(file, root, directory, name) {
  const is = (extension) => fs.statSync(file + extension, { throwIfNoEntry: false })?.isFile();
  if (is('')) return require(file);
  const byPackage = (extension) => (isModule(file) ? importFile(file + extension) : require(file + extension));
  if (is('.js')) return byPackage('.js');
  if (is('.mjs')) return importFile(`${file}.mjs`);
  if (is('.cjs')) return require(`${file}.cjs`);
  if (MAJOR >= WITH_TYPES) {
    if (is('.ts')) return byPackage('.ts');
    if (is('.mts')) return importFile(`${file}.mts`);
    if (is('.cts')) return require(`${file}.cts`);
  }
  return require(require.resolve(name, { paths: [root, path.resolve(root, directory)] }));
}

function importFile(file) {
  return import(require('node:url').pathToFileURL(file).href);
}

/** Whether the nearest package.json makes `.js` an ES module. */
function isModule(file) {
  for (let directory = path.dirname(file); ; directory = path.dirname(directory)) {
    if (directory.endsWith('/node_modules')) return false;
    try {
      return JSON.parse(fs.readFileSync(path.join(directory, 'package.json'), 'utf8')).type === 'module';
    } catch (error) {
      if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') {
        const place = path.join(directory, 'package.json');
        console.warn(`${place} cannot be read, it will be ignored for ES module detection purposes.`, error);
        return false;
      }
    }
    if (directory === path.dirname(directory)) return false;
  }
}

module.exports = { findHandler };
