// SPDX-License-Identifier: GPL-3.0-or-later
// The portal's page: sign in, start an analysis, watch it live. Everything it shows comes from the public API.

import {figures, fanChart} from './outlook.js';
import {drawQuota, duration, forgetQuota, keepQuota, whenOf} from './limits.js';

const $ = (id) => document.getElementById(id);
let csrfToken = ''; // empty: nobody is signed in
let session = 0; // counts who was signed in here, one after the other
let socket = null;
let reconnectAfter = 500;
const reconnectMost = 15000;
let waiting = null; // the timer of what goes on by itself
let counting = null; // the timer of a notice that counts down
let unheard = null; // the timer of what goes on and is not heard of
const unheardLeast = 5000;
let unheardPause = unheardLeast;
let listed = false; // the tasks were asked for
let away = false; // the notice says that the portal does not answer
const tasks = new Map();
const drawn = new Map(); // id → the task as it was drawn, and its element

// The details of these problems are for a person; those of others speak of requests, headers and cookies, to whoever
// writes a program. A person at this page gets words of their own.
const forPeople = new Set(['bad-credentials', 'user-disabled', 'email-taken', 'invalid', 'conflict', 'rate-limited', 'too-large',
                           'unavailable', 'full', 'timeout', 'forbidden', 'headers-too-large']);
const ownWords = {
  unauthenticated: 'You are signed out. Sign in again.',
  csrf: 'This page is too old. Reload it, and sign in again.',
  host: 'The portal is not meant to be used at this address. Ask whoever runs it for the right one.',
  origin: 'The portal is not meant to be used from this page. Ask whoever runs it for the right address.',
  https: 'The portal can only be used over https. Ask whoever runs it for the right address.',
  'not-found': 'That is no longer there.',
  internal: 'The portal failed at this. Try again; if that does not help, tell whoever runs it.',
  protocol: 'A part of the portal cannot be used right now. Try again in a moment.',
  concurrency: 'As many people or analyses are at work as this portal takes at once. Try again in a while.',
  cancelled: 'The portal is being restarted. Try again in a moment.',
  'request-timeout': 'The connection is too slow, or broke off. Try again.',
};

function wordsFor(status, body) {
  const name = String(body.type || '').split('/').pop();
  if (name in ownWords) return ownWords[name];
  if ((forPeople.has(name) || /^(redis|database|disk)-/.test(name)) && body.detail) return body.detail;
  if (status === 401) return ownWords.unauthenticated;
  if (status === 429) return 'That was too often. Try again in a while.';
  if (status >= 500) return 'The portal cannot do that right now. Try again in a moment.';
  return 'The portal did not understand this page. Reload it and try again; if that does not help, tell whoever runs it.';
}

class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(status === 0 ? body.detail : wordsFor(status, body));
    this.status = status;
    this.name = String(body.type || '').split('/').pop();
    this.fields = body.errors || [];
    this.retryAfter = Number(retryAfter) || 5; // seconds
  }
}

async function call(method, path, body) {
  const headers = {};
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (method !== 'GET' && csrfToken) headers['X-CSRF-Token'] = csrfToken;
  let answer;
  try {
    answer = await fetch(path, {method, headers, body: body === undefined ? undefined : JSON.stringify(body)});
  } catch {
    throw new Problem(0, {detail: 'The portal does not answer. Is it running?'});
  }
  if (answer.headers.has('X-RateLimit-Remaining') && path === '/start-analysis') {
    const [remaining, limit, reset] = ['Remaining', 'Limit', 'Reset'].map((name) => Number(answer.headers.get(`X-RateLimit-${name}`)));
    keepQuota({remaining, limit, reset});
  }
  const text = await answer.text();
  let content = null;
  try { content = text ? JSON.parse(text) : null; } catch { /* a proxy's page: the status says enough */ }
  if (!answer.ok) {
    throw new Problem(answer.status, content || {}, answer.headers.get('Retry-After'));
  }
  return content;
}

function notify(text) {
  clearTimeout(counting);
  away = false;
  $('notice').hidden = !text;
  $('notice').textContent = text || '';
  if (text) countDown(text);
}

// For how long something has to wait is right for a second only. What stands there first is read out, what counts is not.
function countDown(text) {
  const [told, seconds] = /Try again in (\d+) seconds?\./.exec(text) || [];
  if (!told) return;
  const until = Date.now() + 1000 * seconds;
  const [before, after] = text.split(told);
  const words = (left) => (left > 0 ? `Try again in ${duration(left)}.` : 'You can try again now.');
  const count = document.createElement('span');
  count.setAttribute('aria-hidden', 'true');
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    count.textContent = words(left);
    if (!count.isConnected) $('notice').replaceChildren(before, count, after);
    if (left > 0) counting = setTimeout(tick, 1000);
  };
  $('notice').textContent = before + words(Number(seconds)) + after;
  counting = setTimeout(tick, 1000);
}

function sentence(text) {
  return /[.!?…)]$/.test(text) ? text : text + '.';
}

function notifyAway(problem) {
  if (!away) notify(problem.message);
  away = true;
}

// Says why something has to wait, counts down, and does it then. One thing waits at a time.
function goOn(problem, work) {
  clearTimeout(waiting);
  const reason = problem.message.replace(/ *Try again in [^.]*\./, '');
  const count = document.createElement('span');
  count.setAttribute('aria-hidden', 'true'); // not read out every second
  notify(`${reason} The page goes on by itself.`);
  $('notice').append(' ', count);
  const until = Date.now() + 1000 * problem.retryAfter;
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    if (left <= 0) {
      if (count.isConnected) notify('');
      work();
      return;
    }
    count.textContent = `(${left} s)`;
    waiting = setTimeout(tick, 1000);
  };
  tick();
}

async function attempt(work) {
  notify('');
  try {
    await work();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.name === 'unauthenticated' && csrfToken) { // ended elsewhere
      leave();
      notify(problem.message);
      return;
    }
    // What the sentence says already is not said again.
    const details = problem.fields.map((field) => field.detail).filter((detail) => !problem.message.includes(detail));
    notify([problem.message, ...details].map(sentence).join(' '));
  }
}

function show(signedIn) {
  $('sign-in').hidden = signedIn;
  $('analysis').hidden = !signedIn;
  $('account').hidden = !signedIn;
  $('who').textContent = '';
  $('no-tasks').textContent = signedIn ? 'Loading…' : '';
}

// A browser keeps a Secure cookie only of an https address (and of this very computer): then the sign-in was right, and
// nobody is signed in.
function cookieLost() {
  return new Problem(0, {detail: location.protocol === 'https:'
    ? 'Your e-mail address and password are right, but this browser keeps no cookies of this portal, so you cannot stay ' +
      'signed in. Allow cookies for this site.'
    : `Your e-mail address and password are right, but this address (${location.origin}) is not https, and this browser ` +
      'keeps no sign-in of such an address. Ask whoever runs this portal for its https address.'});
}

// Whoever is signed in stays so whatever else goes wrong: only a 401 says that nobody is. Asking that is never limited, so
// the page and its Sign out are there even where the rest has to wait.
async function enter(justSignedIn) {
  try {
    csrfToken = (await call('GET', '/auth/csrf')).csrf_token;
  } catch (problem) {
    throw justSignedIn && problem.status === 401 ? cookieLost() : problem;
  }
  show(true);
  if (justSignedIn) forgetQuota();
  else drawQuota();
  listed = false;
  tasks.clear();
  drawTasks();
  listen();
}

// An answer may come when its user has left and another has signed in: it is nobody's then.
async function loadWho() {
  const asked = session;
  try {
    const { email } = await call('GET', '/api/me');
    if (session === asked) $('who').textContent = email;
  } catch (problem) {
    if (session === asked) later(problem, loadWho);
  }
}

// What is pushed while the list is on its way is newer than the list.
async function readTasks() {
  const before = new Map(tasks);
  const asked = session;
  const { items } = await call('GET', '/api/tasks?limit=20');
  if (session !== asked) return;
  for (const task of items) {
    const known = tasks.get(task.id);
    if (known === before.get(task.id) && JSON.stringify(known) !== JSON.stringify(task)) tasks.set(task.id, task);
  }
  listed = true;
  $('no-tasks').textContent = nothingYet;
  drawTasks();
  askAgain();
}

async function loadTasks() {
  const asked = session;
  try {
    await readTasks();
  } catch (problem) {
    if (session === asked) later(problem, loadTasks);
  }
}

// Not everybody who runs tasks tells how they fare, and not every Redis or proxy passes it on. What nothing is heard of is
// asked for, at growing intervals, for that counts against a limit.
function askAgain() {
  clearTimeout(unheard);
  if (![...tasks.values()].some(goesOn)) return;
  unheard = setTimeout(async () => {
    unheardPause = Math.min(unheardPause * 2, 300000);
    const asked = session;
    try {
      await readTasks();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (session !== asked) return;
      if (problem.status === 401) later(problem, loadTasks);
      else askAgain();
    }
  }, unheardPause);
}

function heard() {
  unheardPause = unheardLeast;
  askAgain();
}

async function load() {
  await loadTasks();
  if (!$('who').textContent) await loadWho();
}

function later(problem, work) {
  if (!(problem instanceof Problem)) throw problem;
  if (!csrfToken) return; // signed out meanwhile
  if (problem.status === 401) {
    leave();
    notify('You have been signed out. Sign in again.');
    return;
  }
  goOn(problem, load);
}

function leave() {
  ++session;
  csrfToken = '';
  clearTimeout(waiting);
  clearTimeout(unheard);
  if (socket) socket.close();
  socket = null;
  tasks.clear();
  drawTasks();
  forgetQuota();
  show(false);
}

// The list is asked for once what happens to it meanwhile is pushed, and again whenever that was interrupted.
function listen() {
  if (socket) socket.close();
  const opened = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`);
  let subscribed = false;
  socket = opened;
  opened.onopen = () => opened.send(JSON.stringify({subscribe: ['tasks']}));
  opened.onmessage = (message) => {
    if (socket !== opened) return;
    const event = JSON.parse(message.data);
    if (event.type === 'subscribed') {
      subscribed = true;
      reconnectAfter = 500;
      if (away) notify('');
      load();
    }
    if (event.type !== 'event' || event.topic !== 'tasks') return;
    tasks.set(event.data.id, event.data);
    drawTasks();
    heard();
  };
  opened.onclose = (closed) => {
    if (socket !== opened) return;
    if (closed.code === 4001) {
      leave();
      notify('You have been signed out.');
      return;
    }
    reconnect(opened, subscribed);
  };
}

// A refused WebSocket does not say why; asking for the token does.
async function reconnect(closed, wasOpen) {
  const delay = reconnectAfter;
  reconnectAfter = Math.min(reconnectAfter * 2, reconnectMost);
  try {
    const token = (await call('GET', '/auth/csrf')).csrf_token;
    if (socket !== closed) return;
    csrfToken = token;
    if (away) notify('');
    if (!wasOpen && !listed) load(); // whatever keeps WebSockets away, the list does not wait for it
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (socket !== closed) return;
    if (problem.status === 401) {
      leave();
      notify('You have been signed out. Sign in again.');
      return;
    }
    notifyAway(problem);
  }
  setTimeout(() => { if (socket === closed) listen(); }, delay);
}

const nothingYet = 'Nothing started yet. An analysis reads two years of prices, works out the usual figures and simulates ' +
  'where the price may go.';
const words = {PENDING: 'waiting', STARTED: 'running', PROGRESS: 'running', RETRY: 'waiting to try again', SUCCESS: 'done',
               FAILURE: 'failed', REVOKED: 'stopped', EXPIRED: 'result no longer kept'};

const goesOn = (task) => !['SUCCESS', 'FAILURE', 'REVOKED', 'EXPIRED'].includes(task.state);
const kinds = {'portal.analysis': 'Analysis', 'portal.noop': 'Test'};

function drawTask(task) {
  const item = document.createElement('li');
  item.className = 'task';
  const head = document.createElement('header');
  const title = document.createElement('strong');
  const subject = task.subject || (task.result && task.result.symbol) || '';
  title.textContent = `${kinds[task.name] || task.name.replace('portal.', '')} ${subject}`.trim();
  const when = document.createElement('time');
  when.className = 'hint';
  when.dateTime = task.created;
  when.textContent = whenOf(task.created);
  const state = document.createElement('span');
  state.className = 'state';
  state.textContent = words[task.state] || task.state;
  head.append(title, when, state);
  item.append(head);
  if (goesOn(task)) {
    const bar = document.createElement('progress');
    bar.setAttribute('aria-label', 'Progress');
    if (task.progress && task.progress.total) {
      bar.max = task.progress.total;
      bar.value = task.progress.done;
      state.textContent += ` · ${Math.floor(Math.min(100, 100 * task.progress.done / task.progress.total))}\u00a0%`;
    }
    if (task.progress && task.progress.note)
      state.textContent += ` · ${task.progress.note}`;
    const stop = document.createElement('button');
    stop.className = 'quiet';
    stop.textContent = 'Stop';
    stop.setAttribute('aria-label', `Stop ${title.textContent}`);
    stop.onclick = () => attempt(async () => {
      stop.disabled = true;
      try {
        await call('DELETE', `/api/tasks/${task.id}`);
        tasks.set(task.id, await call('GET', `/api/tasks/${task.id}`));
        drawTasks();
      } finally {
        stop.disabled = false;
      }
    });
    head.append(stop);
    if (task.state !== 'PENDING' && task.state !== 'RETRY') item.append(bar); // one that waits does not move
  }
  if (task.error && task.state !== 'REVOKED') {
    const error = document.createElement('p');
    const why = task.error.message || task.error.type || 'It failed without saying why';
    error.textContent = why.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase()).replace(/[^.!?]$/, '$&.');
    item.append(error);
  }
  if (task.state === 'SUCCESS' && task.result && task.result.outlook)
    item.append(figures(task.result), fanChart(task.result.outlook, task.result.currency, $('tasks').clientWidth - 34));
  if (task.state === 'SUCCESS' && task.result && task.result.source === 'simulated') {
    const hint = document.createElement('p');
    hint.className = 'hint';
    hint.textContent = 'The prices are simulated, not those of a stock exchange.';
    item.append(hint);
  }
  return item;
}

// Only what has changed is made anew, and a button that had the keyboard keeps it.
function drawTasks() {
  const newestFirst = [...tasks.values()].sort((a, b) => (a.created < b.created ? 1 : -1)).slice(0, 20);
  const focused = newestFirst.find((task) => drawn.get(task.id)?.element.contains(document.activeElement));
  const kept = new Map(drawn);
  drawn.clear();
  for (const task of newestFirst) {
    const known = kept.get(task.id);
    drawn.set(task.id, known && known.task === task ? known : {task, element: drawTask(task)});
  }
  const elements = newestFirst.map((task) => drawn.get(task.id).element);
  if (elements.length !== $('tasks').children.length || elements.some((element, i) => element !== $('tasks').children[i])) {
    $('tasks').replaceChildren(...elements);
    if (focused) drawn.get(focused.id).element.querySelector('button')?.focus();
  }
  $('no-tasks').hidden = newestFirst.length > 0;
}

$('sign-in-form').onsubmit = (submitted) => {
  submitted.preventDefault();
  const form = new FormData(submitted.target);
  const credentials = {email: form.get('email'), password: form.get('password')};
  const register = submitted.submitter && submitted.submitter.value === 'register';
  attempt(async () => {
    if (register) await call('POST', '/auth/register', credentials);
    let user;
    try {
      ({user} = await call('POST', '/auth/login', credentials));
    } catch (problem) {
      if (register && problem instanceof Problem)
        problem.message = `Your account exists now. Signing in has to wait: ${problem.message}`;
      throw problem;
    }
    submitted.target.reset();
    await enter(true);
    $('who').textContent = user.email;
  });
};

$('analysis-form').onsubmit = (submitted) => {
  submitted.preventDefault();
  const form = new FormData(submitted.target);
  attempt(async () => {
    const {task_id: id} = await call('POST', '/start-analysis', {
      symbol: form.get('symbol').toUpperCase(), horizon_days: Number(form.get('horizon')),
    });
    const task = await call('GET', `/api/tasks/${id}`);
    if (!tasks.has(id)) tasks.set(id, task); // what was pushed meanwhile is newer
    drawTasks();
    heard();
  });
};

$('sign-out').onclick = () => attempt(async () => {
  try {
    await call('POST', '/auth/logout');
  } catch (problem) {
    if (problem.status !== 401) throw problem; // it was over already
  }
  leave();
});

async function begin() {
  try {
    await enter(false);
  } catch (problem) {
    if (problem.status === 401) {
      forgetQuota(); // of somebody who was signed in before
      show(false);
      return;
    }
    if (!(problem instanceof Problem)) throw problem;
    goOn(problem, begin);
  }
}

let drawnWidth = 0;
new ResizeObserver(() => {
  const width = $('tasks').clientWidth;
  if (width === drawnWidth) return;
  drawnWidth = width;
  drawn.clear(); // charts are as wide as they are shown
  drawTasks();
}).observe($('tasks'));

await begin();
