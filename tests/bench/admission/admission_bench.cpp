// SPDX-License-Identifier: GPL-3.0-or-later
/// How many requests a second admission alone lets through: one process, a redis-server of its own with the append-only
/// file on, as many coroutines as the HTTP bench has connections, each with a session of its own and three windows that
/// never fill. No sockets but Redis'.
///
///     admission_bench [seconds] [coroutines]

#include "tests/integration/portal/admission_harness.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <future>

using namespace portolan;

namespace {

struct Load
{
    std::atomic<bool> running{true};
    std::atomic<std::uint64_t> admitted{0};
    std::atomic<std::uint64_t> refused{0};
    std::mutex mutex;
    std::vector<std::int64_t> nanoseconds; ///< of every 64th request
};

awaitable<void> client(Instance &portal, const Headers &cookie, Load &load)
{
    std::uint64_t mine = 0;
    std::vector<std::int64_t> took;
    while (load.running) {
        http::Request request;
        request.target = "/api/thing";
        request.path = request.target;
        request.address = "192.0.2.1";
        request.headers.set(cookie[0].first, cookie[0].second);
        const auto match = portal.router.match(request);
        const auto start = std::chrono::steady_clock::now();
        const auto answer = co_await portal.admission.admit(request, *match.route);
        if (mine % 64 == 0)
            took.push_back((std::chrono::steady_clock::now() - start).count());
        load.refused += answer.refusal.has_value();
        ++mine;
    }
    load.admitted += mine;
    const std::lock_guard lock(load.mutex);
    load.nanoseconds.insert(load.nanoseconds.end(), took.begin(), took.end());
}

double value(const std::string &info, std::string_view name)
{
    const auto at = info.find(name);
    return at == std::string::npos ? 0 : std::stod(info.substr(at + name.size()));
}

} // namespace

int main(int argc, char **argv)
{
    const int seconds = argc > 1 ? std::clamp(std::atoi(argv[1]), 1, 60) : 5;
    const int coroutines = argc > 2 ? std::clamp(std::atoi(argv[2]), 1, 1024) : 64;
    RedisServerFixture server({"--appendonly", "yes", "--appendfsync", "everysec"});
    Runtime runtime(1);
    Instance portal(runtime.at(0), server.endpoint(),
                    {{Category::Api, "1000000000 per day; 999999999 per hour; 999999998 per minute"}});
    portal.answerWith200(http::verb::get, "/api/thing", {Role::User, Category::Api});
    std::vector<Headers> cookies;
    for (int i = 0; i < coroutines; ++i)
        cookies.push_back(portal.signIn(Id(1000 + i)));

    server.command("CONFIG RESETSTAT");
    Load load;
    const auto cpuBefore = server.command("INFO cpu");
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::future<void>> clients;
    for (const auto &cookie : cookies)
        clients.push_back(asio::co_spawn(portal.executor, client(portal, cookie, load), asio::use_future));
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
    load.running = false;
    for (auto &one : clients)
        one.get();
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const auto cpu = server.command("INFO cpu");
    const double used = value(cpu, "used_cpu_user:") + value(cpu, "used_cpu_sys:") -
                        value(cpuBefore, "used_cpu_user:") - value(cpuBefore, "used_cpu_sys:");

    std::ranges::sort(load.nanoseconds);
    const auto percentile = [&](double part) {
        return double(load.nanoseconds[std::size_t(part * double(load.nanoseconds.size() - 1))]) / 1e6;
    };
    const double count = double(load.admitted.load());
    std::printf("admissions/s %.0f (%d coroutines, %llu refused)\n", count / took, coroutines,
                static_cast<unsigned long long>(load.refused.load()));
    std::printf("p50 %.2f ms, p99 %.2f ms\n", percentile(0.5), percentile(0.99));
    std::printf("redis: %.2f us of script a call, %.2f us of CPU a call\n",
                value(server.command("INFO commandstats"), "cmdstat_evalsha:calls=") > 0
                    ? value(server.command("INFO commandstats")
                                .substr(server.command("INFO commandstats").find("cmdstat_evalsha")),
                            "usec_per_call=")
                    : 0,
                used * 1e6 / count);
    return load.refused == 0 ? 0 : 1;
}
