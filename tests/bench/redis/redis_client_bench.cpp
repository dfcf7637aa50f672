// SPDX-License-Identifier: GPL-3.0-or-later
// What the pipelined Redis client does per second, next to redis-benchmark on the same server: GET and a small script,
// 64 coroutines that each await one call after the other, on 1 and 2 I/O threads; and what formatting costs with our
// Command and with hiredis. Seconds per measurement: the first argument, 2 by default.

#include "core/base/runtime.h"
#include "core/redis/client.h"
#include "tests/fakes/redis_server_fixture.h"

#include <hiredis/hiredis.h>
#include <sys/resource.h>

#include <cstdio>
#include <future>

using namespace portolan;
using namespace portolan::redis;
using Steady = std::chrono::steady_clock;

namespace {

constexpr int coroutines = 64;

double cpuSeconds()
{
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval &t) {
        return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

awaitable<std::uint64_t> getOften(Client &client, Steady::time_point end)
{
    std::uint64_t done = 0;
    while (Steady::now() < end) {
        const auto reply = co_await client.run(Command("GET", "key"));
        done += reply.has_value();
    }
    co_return done;
}

awaitable<std::uint64_t> evalOften(Client &client, const Script &script, Steady::time_point end)
{
    std::uint64_t done = 0;
    const std::array<std::string_view, 2> keys{"s:0123456789012345678901", "l:12345"};
    const std::array<std::string_view, 4> arguments{"1767225600", "50", "86400", "10"};
    while (Steady::now() < end) {
        const auto reply = co_await client.eval(script, keys, arguments);
        done += reply.has_value();
    }
    co_return done;
}

void measure(const char *what, Runtime &runtime, double seconds,
             const std::function<awaitable<std::uint64_t>(Steady::time_point)> &work)
{
    const auto from = Steady::now();
    const double cpu = cpuSeconds();
    const auto end = from + std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(seconds));
    std::vector<std::future<std::uint64_t>> futures;
    for (std::size_t i = 0; i < coroutines; ++i)
        futures.push_back(asio::co_spawn(runtime.at(i % runtime.size()), work(end), asio::use_future));
    std::uint64_t done = 0;
    for (auto &future : futures)
        done += future.get();
    const std::chrono::duration<double> took = Steady::now() - from;
    std::printf("%-44s %10.0f /s  %5.2f us client CPU each\n", what, static_cast<double>(done) / took.count(),
                1e6 * (cpuSeconds() - cpu) / static_cast<double>(done));
}

void measureClient(const Endpoint &endpoint, unsigned threads, double seconds)
{
    Runtime runtime(threads);
    Client client(runtime.at(0), endpoint);
    const Script script("trivial", "return {KEYS[1], ARGV[1], 1, 2}");
    client.preload(script);
    client.start();
    runSync<Result<void>>(runtime.at(0), [&] { return client.waitReady(std::chrono::seconds(5)); }).value();
    runSync<Result<Reply>>(runtime.at(0), [&] { return client.run(Command("SET", "key", "xxx")); }).value();
    const std::string suffix = ", 64 coroutines, " + std::to_string(threads) + " I/O thread(s)";
    measure(("GET" + suffix).c_str(), runtime, seconds, [&](auto end) { return getOften(client, end); });
    measure(("script" + suffix).c_str(), runtime, seconds, [&](auto end) { return evalOften(client, script, end); });
    client.stop();
}

template <class F> void measureFormat(const char *what, F format)
{
    constexpr int rounds = 300'000;
    const auto from = Steady::now();
    std::size_t bytes = 0;
    for (int i = 0; i < rounds; ++i)
        bytes += format();
    const std::chrono::duration<double, std::nano> took = Steady::now() - from;
    std::printf("%-44s %10.0f ns (%zu bytes)\n", what, took.count() / rounds, bytes / rounds);
}

void measureFormats()
{
    const std::string sha(40, 'a');
    measureFormat("format a script call: Command", [&] {
        std::string outgoing;
        outgoing.reserve(1024);
        const Command command("EVALSHA", sha, 2, "s:0123456789012345678901", "l:12345", "1767225600", "50", "86400",
                              "10");
        outgoing += command.bytes();
        return outgoing.size();
    });
    measureFormat("format a script call: redisFormatCommandArgv", [&] {
        std::string outgoing;
        outgoing.reserve(1024);
        const std::array<std::string_view, 9> words{
            "EVALSHA", sha, "2", "s:0123456789012345678901", "l:12345", "1767225600", "50", "86400", "10"};
        std::array<const char *, 9> argv{};
        std::array<std::size_t, 9> sizes{};
        for (std::size_t i = 0; i < words.size(); ++i) {
            argv[i] = words[i].data();
            sizes[i] = words[i].size();
        }
        char *made = nullptr;
        const auto size = redisFormatCommandArgv(&made, static_cast<int>(words.size()), argv.data(), sizes.data());
        outgoing.append(made, static_cast<std::size_t>(size));
        redisFreeCommand(made);
        return outgoing.size();
    });
}

void peer(const RedisServerFixture &redis, const char *pipeline, const std::string &command)
{
    std::printf("redis-benchmark -P %-3s %-22s ", pipeline, command.substr(0, command.find(' ')).c_str());
    std::fflush(stdout);
    const std::string line = "redis-benchmark -s " + redis.socketPath() + " -c 1 -n 400000 -q -P " + pipeline + " " +
                             command + " | tr '\\r' '\\n' | grep 'requests per second' | sed 's/^.*: //'";
    if (std::system(line.c_str()) != 0)
        std::puts("failed");
}

} // namespace

int main(int argc, char **argv)
{
    const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
    const RedisServerFixture redis;
    for (const unsigned threads : {1U, 2U})
        measureClient(redis.endpoint(), threads, seconds);
    redis.command("SET key xxx");
    for (const char *pipeline : {"16", "64"}) {
        peer(redis, pipeline, "GET key");
        peer(redis, pipeline,
             "EVAL 'return {KEYS[1],ARGV[1],1,2}' 2 s:0123456789012345678901 l:12345 1767225600 50 86400 10");
    }
    measureFormats();
}
