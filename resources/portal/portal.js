// The portal's page: sign in, start an analysis, watch it live. Everything it shows comes from the public API.

const $ = (id) => document.getElementById(id);
let csrfToken = '';
let socket = null;
let reconnectAfter = 500;
const tasks = new Map();

// The details of these problems are for a person; those of others speak of requests, headers and cookies, to whoever
// writes a program. A person at this page gets words of their own.
const forPeople = new Set(['bad-credentials', 'user-disabled', 'invalid', 'conflict', 'rate-limited', 'concurrency', 'too-large',
                           'unavailable', 'full', 'timeout', 'redis-full', 'redis-away', 'forbidden']);
const ownWords = {
  unauthenticated: 'You are signed out. Sign in again.',
  csrf: 'This page is too old. Reload it, and sign in again.',
  host: 'The portal is not meant to be used at this address. Ask whoever runs it for the right one.',
  origin: 'The portal is not meant to be used from this page. Ask whoever runs it for the right address.',
  https: 'The portal can only be used over https. Ask whoever runs it for the right address.',
  'not-found': 'That is no longer there.',
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
  const remaining = answer.headers.get('X-RateLimit-Remaining');
  if (remaining !== null && path === '/start-analysis')
    $('quota').textContent = `${remaining} of ${answer.headers.get('X-RateLimit-Limit')} starts left until ` +
      new Date(1000 * answer.headers.get('X-RateLimit-Reset')).toLocaleTimeString();
  const text = await answer.text();
  let content = null;
  try { content = text ? JSON.parse(text) : null; } catch { /* a proxy's page: the status says enough */ }
  if (!answer.ok) {
    throw new Problem(answer.status, content || {}, answer.headers.get('Retry-After'));
  }
  return content;
}

function notify(text) {
  $('notice').hidden = !text;
  $('notice').textContent = text || '';
}

function sentence(text) {
  return /[.!?…)]$/.test(text) ? text : text + '.';
}

async function attempt(work) {
  notify('');
  try {
    await work();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    // What the sentence says already is not said again.
    const details = problem.fields.map((field) => field.detail).filter((detail) => !problem.message.includes(detail));
    notify([problem.message, ...details].map(sentence).join(' '));
  }
}

function show(user) {
  $('sign-in').hidden = Boolean(user);
  $('analysis').hidden = !user;
  $('account').hidden = !user;
  $('who').textContent = user ? user.email : '';
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

async function enter(user, justSignedIn) {
  try {
    csrfToken = (await call('GET', '/auth/csrf')).csrf_token;
  } catch (problem) {
    throw justSignedIn && problem.status === 401 ? cookieLost() : problem;
  }
  show(user);
  tasks.clear();
  listen();
  for (const task of (await call('GET', '/api/tasks?limit=20')).items)
    if (!tasks.has(task.id)) tasks.set(task.id, task);
  drawTasks();
}

function leave() {
  csrfToken = '';
  if (socket) socket.close();
  socket = null;
  show(null);
}

function listen() {
  if (socket) socket.close();
  const opened = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`);
  socket = opened;
  opened.onopen = () => {
    reconnectAfter = 500;
    opened.send(JSON.stringify({subscribe: ['tasks']}));
  };
  opened.onmessage = (message) => {
    const event = JSON.parse(message.data);
    if (event.type !== 'event' || event.topic !== 'tasks') return;
    tasks.set(event.data.id, event.data);
    drawTasks();
  };
  opened.onclose = (closed) => {
    if (socket !== opened) return;
    if (closed.code === 4001) {
      leave();
      notify('You have been signed out.');
      return;
    }
    setTimeout(() => { if (socket === opened) listen(); }, reconnectAfter);
    reconnectAfter = Math.min(reconnectAfter * 2, 15000);
  };
}

const percent = (value) => `${(100 * value).toFixed(1)} %`;
const price = (value, currency) => {
  try {
    return value.toLocaleString(undefined, currency ? {style: 'currency', currency} :
      {minimumFractionDigits: 2, maximumFractionDigits: 2});
  } catch { // not a currency this browser knows
    return `${price(value)} ${currency}`;
  }
};

// What people look at first, in that order; the whole result is in the API's answer.
const shown = [
  ['Last close', (r) => price(r.last_close, r.currency)],
  [(r) => `Median in ${r.outlook.horizon_days} trading days`, (r) => price(r.outlook.p50, r.currency)],
  ['Range of 90 % of outcomes', (r) => `${price(r.outlook.p5, r.currency)} – ${price(r.outlook.p95, r.currency)}`],
  ['Chance of a loss', (r) => percent(r.outlook.loss_probability)],
  ['Annual volatility', (r) => percent(r.risk.annualised_volatility)],
  ['Maximum drawdown', (r) => percent(r.risk.max_drawdown)],
  ['One-day value at risk (95 %)', (r) => percent(r.risk.value_at_risk95.historical)],
  ['Sharpe ratio', (r) => r.risk.sharpe_ratio.toFixed(2)],
  ['RSI (14)', (r) => r.indicators.rsi14.toFixed(0)],
  ['50-day average', (r) => price(r.indicators.sma50, r.currency)],
];

function figures(result) {
  const list = document.createElement('dl');
  list.className = 'figures';
  for (const [name, read] of shown) {
    let value;
    try { value = read(result); } catch { continue; } // the history was too short for it
    const cell = document.createElement('div');
    const term = document.createElement('dt');
    const figure = document.createElement('dd');
    term.textContent = typeof name === 'function' ? name(result) : name;
    figure.textContent = value;
    cell.append(term, figure);
    list.append(cell);
  }
  return list;
}

// Where the price may go: the median, and the bands that hold half and nine tenths of the simulated paths.
function fanChart(outlook) {
  // As wide as it is shown, so that its labels are as large as the other text.
  const [width, height, margin] = [Math.max(260, Math.min(640, $('tasks').clientWidth - 34)), 180, 64];
  const points = [{day: 0, p5: outlook.start_price, p25: outlook.start_price, p50: outlook.start_price,
                   p75: outlook.start_price, p95: outlook.start_price}, ...outlook.fan];
  const low = Math.min(...points.map((point) => point.p5));
  const high = Math.max(...points.map((point) => point.p95));
  const x = (day) => margin + (width - margin) * day / outlook.horizon_days;
  const y = (value) => 8 + (height - 32) * (high - value) / (high - low || 1);
  const path = (name) => points.map((point) => `${x(point.day).toFixed(1)},${y(point[name]).toFixed(1)}`);
  const make = (name, attributes, text) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text) element.textContent = text;
    return element;
  };
  const chart = make('svg', {viewBox: `0 0 ${width} ${height}`, class: 'fan', role: 'img'});
  chart.append(make('title', {}, `Price over the next ${outlook.horizon_days} trading days: median ` +
    `${price(outlook.p50)}, nine tenths of the paths end between ${price(outlook.p5)} and ${price(outlook.p95)}`));
  for (const [from, to, opacity] of [['p5', 'p95', 0.15], ['p25', 'p75', 0.3]])
    chart.append(make('polygon', {points: [...path(from), ...path(to).reverse()].join(' '), 'fill-opacity': opacity}));
  chart.append(make('polyline', {points: path('p50').join(' '), class: 'median'}));
  for (const value of [low, outlook.start_price, high])
    chart.append(make('text', {x: margin - 6, y: y(value) + 4, 'text-anchor': 'end'}, price(value)));
  chart.append(make('text', {x: margin, y: height - 4}, 'today'),
               make('text', {x: width, y: height - 4, 'text-anchor': 'end'}, `${outlook.horizon_days} trading days`));
  return chart;
}

const words = {PENDING: 'waiting', STARTED: 'running', PROGRESS: 'running', RETRY: 'waiting to try again', SUCCESS: 'done',
               FAILURE: 'failed', REVOKED: 'stopped', EXPIRED: 'result no longer kept'};

function drawTask(task) {
  const item = document.createElement('li');
  item.className = 'task';
  const head = document.createElement('header');
  const title = document.createElement('strong');
  const subject = task.result && task.result.symbol ? ` ${task.result.symbol}` : '';
  title.textContent = `${task.name.replace('portal.', '')}${subject} · ${new Date(task.created).toLocaleTimeString()}`;
  const state = document.createElement('span');
  state.className = 'state';
  state.textContent = words[task.state] || task.state;
  head.append(title, state);
  item.append(head);
  const running = !['SUCCESS', 'FAILURE', 'REVOKED', 'EXPIRED'].includes(task.state);
  if (running) {
    const bar = document.createElement('progress');
    bar.setAttribute('aria-label', 'Progress');
    if (task.progress && task.progress.total) {
      bar.max = task.progress.total;
      bar.value = task.progress.done;
      state.textContent += ` · ${Math.floor(100 * Math.min(1, task.progress.done / task.progress.total))} %`;
    }
    if (task.progress && task.progress.note)
      state.textContent += ` · ${task.progress.note}`;
    const stop = document.createElement('button');
    stop.className = 'quiet';
    stop.textContent = 'Stop';
    stop.onclick = () => attempt(() => call('DELETE', `/api/tasks/${task.id}`));
    head.append(stop);
    item.append(bar);
  }
  if (task.error) {
    const error = document.createElement('p');
    error.textContent = typeof task.error === 'string' ? task.error : task.error.message || task.error.type || 'It failed without saying why.';
    item.append(error);
  }
  if (task.state === 'SUCCESS' && task.result && task.result.outlook)
    item.append(figures(task.result), fanChart(task.result.outlook));
  if (task.state === 'SUCCESS' && task.result && task.result.source === 'simulated') {
    const hint = document.createElement('p');
    hint.className = 'hint';
    hint.textContent = 'The prices are simulated, not those of a stock exchange.';
    item.append(hint);
  }
  return item;
}

function drawTasks() {
  const newestFirst = [...tasks.values()].sort((a, b) => (a.created < b.created ? 1 : -1)).slice(0, 20);
  $('tasks').replaceChildren(...newestFirst.map(drawTask));
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
    await enter(user, true);
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
  });
};

$('sign-out').onclick = () => attempt(async () => {
  await call('POST', '/auth/logout');
  leave();
});

// Whoever is signed in stays so whatever else goes wrong: only a 401 says that nobody is.
async function begin() {
  try {
    await enter(await call('GET', '/api/me'));
    notify('');
  } catch (problem) {
    if (problem.status === 401) {
      show(null);
      return;
    }
    if (!(problem instanceof Problem)) throw problem;
    notify(problem.message);
    setTimeout(begin, 1000 * problem.retryAfter);
  }
}

let drawnWidth = 0;
new ResizeObserver(() => {
  const width = $('tasks').clientWidth;
  if (width === drawnWidth) return;
  drawnWidth = width;
  drawTasks();
}).observe($('tasks'));

await begin();
