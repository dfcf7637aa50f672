// SPDX-License-Identifier: GPL-3.0-or-later
// What an analysis found, as figures and as a chart.

const percent = (value) => `${(100 * value).toFixed(1)}\u00a0%`;
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
  ['Range of 90\u00a0% of outcomes', (r) => `${price(r.outlook.p5, r.currency)} – ${price(r.outlook.p95, r.currency)}`],
  ['Chance of a loss', (r) => percent(r.outlook.loss_probability)],
  ['Annual volatility', (r) => percent(r.risk.annualised_volatility)],
  ['Maximum drawdown', (r) => percent(r.risk.max_drawdown)],
  ['One-day value at risk (95\u00a0%)', (r) => percent(r.risk.value_at_risk95.historical)],
  ['Sharpe ratio', (r) => r.risk.sharpe_ratio.toFixed(2)],
  ['RSI (14)', (r) => r.indicators.rsi14.toFixed(0)],
  ['50-day average', (r) => price(r.indicators.sma50, r.currency)],
];

export function figures(result) {
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
export function fanChart(outlook, currency, room) {
  // As wide as it is shown, so that its labels are as large as the other text.
  const [width, height, margin] = [Math.max(260, Math.min(640, room)), 180, 76];
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
    `${price(outlook.p50, currency)}, nine tenths of the paths end between ${price(outlook.p5, currency)} and ${price(outlook.p95, currency)}`));
  for (const [from, to, opacity] of [['p5', 'p95', 0.15], ['p25', 'p75', 0.3]])
    chart.append(make('polygon', {points: [...path(from), ...path(to).reverse()].join(' '), 'fill-opacity': opacity}));
  chart.append(make('polyline', {points: path('p50').join(' '), class: 'median'}));
  const apart = (value) => Math.abs(y(value) - y(outlook.start_price)) >= 14; // else one label covers the other
  for (const value of [outlook.start_price, ...[low, high].filter(apart)])
    chart.append(make('text', {x: margin - 6, y: y(value) + 4, 'text-anchor': 'end'}, price(value, currency)));
  chart.append(make('text', {x: margin, y: height - 4}, 'today'),
               make('text', {x: width, y: height - 4, 'text-anchor': 'end'}, `${outlook.horizon_days} trading days`));
  return chart;
}
