// The applications of the demo: where each is, on which port it answers and what there is to see.
import { join } from 'node:path';
import { ROOT } from './paths.mjs';

/**
 * @typedef {object} DemoPage
 * @property {string} path
 * @property {string} shows
 * @property {RegExp} expect what the answer contains
 *
 * @typedef {object} DemoApp
 * @property {string} name
 * @property {string} folder absolute path
 * @property {string} config its file in that folder
 * @property {number} port
 * @property {DemoPage[]} pages the first one tells that the application is up
 */

/** @type {DemoApp[]} */
export const DEMO_APPS = [
  app('hello', 'hello', 'app.yaml', 8080, [
    page('/', 'a PSR-7 callable', /^Hello world/),
    page('/?name=you', 'the same, greeting you', /^Hello you/),
  ]),
  app('hello-lean', 'hello', 'lean.yaml', 8083, [page('/', 'a callable without PSR-7 objects', /^Hello from PHP/)]),
  app('symfony', 'symfony', 'app.yaml', 8081, [
    page('/', 'Symfony 6.4, with links to all of its pages', /Hello from Symfony 6/),
    page('/json', 'a JSON answer', /"message":"Hello from Symfony"/),
    page('/session', 'a counter in the session: reload it', /^Visits in this session: 1/),
    page('/upload', 'a form that takes files', /<form method="post"/),
    page('/stream', 'ten lines that arrive one by one', /chunk 10/),
    page('/file', 'a file from disk', /^One boots in the morning/),
    page('/counter', 'what lives as long as the worker', /"service":1/),
  ]),
  app('slim', 'slim', 'app.yaml', 8082, [
    page('/', 'Slim 4', /^Hello from Slim/),
    page('/hello/you', 'a route with an argument', /^Hello you/),
  ]),
  app('node-libraries', 'node-libraries', 'app.yaml', 8085, [
    page('/', 'npm packages in PHP, with links to all of its pages', /Node libraries in PHP/),
    page('/resize?width=160', 'an image made smaller by sharp', /^RIFF/),
    page('/markdown', 'Markdown as HTML by marked', /<h1>From Markdown<\/h1>/),
    page('/thumbnail?width=160', 'the image by a typed service', /^\ufffd\ufffd/),
    page('/spreadsheet', 'a spreadsheet by exceljs', /^PK/),
  ]),
  app('lumen', 'lumen', 'app.yaml', 8880, [page('/', "Lumen's version", /^Lumen \(/)]),
];

/** Not part of the demo: its packages cannot be installed everywhere. */
export const ROADRUNNER_APP = app('hello-roadrunner', 'hello-roadrunner', 'app.yaml', 8084, [
  page('/', "RoadRunner's own packages", /^Hello from RoadRunner's packages/),
]);

/**
 * @param {string} name
 * @param {string} folder
 * @param {string} config
 * @param {number} port
 * @param {DemoPage[]} pages
 * @returns {DemoApp}
 */
function app(name, folder, config, port, pages) {
  return { name, folder: join(ROOT, 'examples', folder), config, port, pages };
}

/**
 * @param {string} path
 * @param {string} shows
 * @param {RegExp} expect
 * @returns {DemoPage}
 */
function page(path, shows, expect) {
  return { path, shows, expect };
}
