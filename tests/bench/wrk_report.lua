-- SPDX-License-Identifier: GPL-3.0-or-later
-- For wrk: sends the headers given after `--` as "Name: value" arguments, and ends with one line of JSON.
function init(args)
    for _, argument in ipairs(args) do
        local name, value = argument:match("^([^:]+): (.*)$")
        if name then
            wrk.headers[name] = value
        end
    end
    request_bytes = wrk.format()
end

function request()
    return request_bytes
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '{"requests":%d,"seconds":%.6f,"p50":%.3f,"p95":%.3f,"p99":%.3f,"max":%.3f,"not_2xx":%d,"broken":%d}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
        latency:percentile(99) / 1e3, latency.max / 1e3, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
