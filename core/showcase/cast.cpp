// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/showcase/cast.h"

namespace portolan::showcase {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr Step get(std::string_view path, milliseconds pause = 0ms) { return {StepKind::Get, path, {}, pause}; }
constexpr Step post(std::string_view path, std::string_view body, milliseconds pause = 0ms)
{
    return {StepKind::Post, path, body, pause};
}
constexpr Step task(std::string_view symbol, std::uint32_t paths, milliseconds pause, milliseconds softLimit = 0ms)
{
    return {StepKind::Task, symbol, {}, pause, paths, softLimit};
}
constexpr Step keep() { return {StepKind::Keep}; }

constexpr Step opensPage[] = {get("/", 150ms), get("/static/portal.css", 30ms), get("/static/portal.js", 120ms),
                              get("/auth/csrf")};
constexpr Step comesBack[] = {get("/dashboard", 100ms), get("/auth/csrf")};
constexpr Step asksPrices[] = {get("/api/quotes?symbols={symbol}")};
constexpr Step looksBack[] = {get("/api/quotes/{symbol}/history?days=250")};
constexpr Step looksAtTasks[] = {get("/api/tasks?limit=3")};
constexpr Step looksAtAccount[] = {get("/api/me")};
constexpr Step analyses[] = {get("/auth/csrf", 200ms),
                             post("/start-analysis", R"({"symbol":"{symbol}","horizon_days":20})", 1s),
                             get("/api/tasks/{task}", 2s), get("/api/tasks/{task}")};
// A million paths take a core about a second: the one task here that is seen running.
constexpr Step analysesMuch[] = {
    get("/auth/csrf", 200ms), post("/start-analysis", R"({"symbol":"{symbol}","horizon_days":20,"paths":1000000})", 1s),
    get("/api/tasks/{task}", 1s), get("/api/tasks/{task}", 2s), get("/api/tasks/{task}")};
constexpr Step probes[] = {get("/health")};
constexpr Step probesReadiness[] = {get("/ready")};
// More than 8 a minute.
constexpr auto price = get("/api/quotes?symbols={symbol}", 400ms);
constexpr Step reloads[] = {price, price, price, price, price, price, price, price, price, price, price, price};
constexpr Step followsOldLink[] = {get("/reports/2019.html")};
// More than 2 a minute.
constexpr auto guess = post("/auth/login", R"({"email":"mallory@example.com","password":"let me in 123"})", 1200ms);
constexpr Step guesses[] = {guess, guess, guess, guess};
constexpr auto report = task("{symbol}", 2'000, 250ms);
constexpr Step reports[] = {report, report, report, report, report, task("{symbol}", 2'000, 18s), keep()};
// Not a symbol: ^[A-Z]{1,5}$.
constexpr Step asksForUnknown[] = {task("BRK.B", 2'000, 0ms)};
constexpr Step isCutShort[] = {task("{symbol}", 1'000'000, 0ms, 200ms)};

// First visits are early, so that a quarter of a minute shows requests, half a minute tasks, and a minute what fails.
constexpr Habit habits[] = {
    {"opens the page", Who::Member, 200ms, 5s, opensPage},
    {"comes back to it", Who::Member, 1s, 7s, comesBack},
    {"asks for a price", Who::Member, 3s, 20s, asksPrices},
    {"looks at own tasks", Who::Member, 8s, 40s, looksAtTasks},
    {"looks a year back", Who::Member, 6s, 45s, looksBack},
    {"looks at the account", Who::Member, 5s, 50s, looksAtAccount},
    {"analyses", Who::Member, 10s, 60s, analyses},
    {"analyses thoroughly", Who::Member, 25s, 100s, analysesMuch},
    {"is a load balancer", Who::Probe, 2s, 10s, probes},
    {"asks for readiness", Who::Probe, 4s, 15s, probesReadiness},
    {"follows an old link", Who::Probe, 15s, 60s, followsOldLink},
    {"reloads in a hurry", Who::Hasty, 30s, 170s, reloads, 3, 170s},
    {"guesses a password", Who::Stranger, 50s, 240s, guesses, 1, 240s},
    {"reports, and keeps it", Who::Program, 4s, 25s, reports},
    {"asks for what is unknown", Who::Member, 45s, 150s, asksForUnknown},
    {"is cut short", Who::Member, 95s, 240s, isCutShort},
};

} // namespace

std::span<const Habit> cast() { return habits; }

} // namespace portolan::showcase
