// SPDX-License-Identifier: GPL-3.0-or-later
// What a limit leaves, and for how long something has to wait.

let over = null; // the timer of starts that are left until then

// The time alone today, else the day with it.
export function whenOf(time) {
  const date = new Date(time);
  const today = date.toDateString() === new Date().toDateString();
  return today ? date.toLocaleTimeString() : date.toLocaleString(undefined, {dateStyle: 'medium', timeStyle: 'short'});
}

export function duration(seconds) {
  const [count, unit] = seconds < 120 ? [seconds, 'second'] : seconds < 7200 ? [seconds / 60, 'minute'] : [seconds / 3600, 'hour'];
  return `${Math.ceil(count)} ${unit}${count === 1 ? '' : 's'}`;
}

// How many analyses may be started still. Only an answer to a start says it, so it is kept for whoever reloads the page.
const kept = {
  here: null, // for a browser that keeps nothing
  read() { try { return JSON.parse(localStorage.getItem('starts')); } catch { return this.here; } },
  write(quota) {
    this.here = quota;
    try { localStorage.setItem('starts', JSON.stringify(quota)); } catch { /* then for this page only */ }
  },
};

export function keepQuota(quota) {
  kept.write(quota);
  drawQuota();
}

// Of whoever was signed in.
export function forgetQuota() {
  keepQuota(null);
}

// The button looks as if it did nothing where nothing is left, and yet can be pressed: limits may be changed meanwhile.
export function drawQuota() {
  clearTimeout(over);
  const quota = kept.read();
  const left = quota ? 1000 * quota.reset - Date.now() : 0;
  document.getElementById('quota').textContent = left > 0 ?
    `${quota.remaining.toLocaleString()} of ${quota.limit.toLocaleString()} starts left until ${whenOf(1000 * quota.reset)}` : '';
  document.getElementById('start').setAttribute('aria-disabled', String(left > 0 && quota.remaining === 0));
  if (left > 0) over = setTimeout(drawQuota, Math.min(left, 3600000));
}
