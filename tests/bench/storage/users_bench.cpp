// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/ids.h"
#include "core/base/system_clock.h"
#include "core/storage/migrations.h"
#include "core/storage/users_store.h"
#include "tests/bench/storage/many_users.h"

#include <QCoreApplication>
#include <QTemporaryDir>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

/// Fills an SQLite file with users and times pages of them as the console asks for them: median and worst of 20, in
/// milliseconds. Ends with 1 if the worst median is over the bound (200 ms). Arguments: number of users (a million).
using namespace portolan;
using namespace portolan::storage;

namespace {

constexpr double boundMilliseconds = 200;

/// The median, after one page to warm up.
double measure(UsersStore &users, const char *what, const UserQuery &query)
{
    std::vector<double> times;
    std::size_t items = 0;
    for (int i = 0; i < 21; ++i) {
        const auto start = std::chrono::steady_clock::now();
        const auto page = users.pageBlocking(query);
        times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
        if (page.has_error()) {
            std::fprintf(stderr, "%s: %s\n", what, page.error().message.c_str());
            std::exit(1);
        }
        items = page->items.size();
    }
    times.erase(times.begin());
    std::ranges::sort(times);
    const double median = times[times.size() / 2];
    std::printf("%-34s %4zu users  median %8.2f ms  worst %8.2f ms\n", what, items, median, times.back());
    return median;
}

} // namespace

int main(int argc, char **argv)
{
    const QCoreApplication application(argc, argv);
    const std::size_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
    const QTemporaryDir directory;
    const SystemClock clock;
    IdGenerator ids(clock);
    Database database(DatabaseUrl::parse("sqlite:" + directory.filePath("users.db").toStdString()).value());
    if (const auto done = migrate(database, clock); done.has_error()) {
        std::fprintf(stderr, "%s\n", done.error().message.c_str());
        return 1;
    }
    UsersStore users(database);
    const auto start = std::chrono::steady_clock::now();
    addManyUsers(database, ids, count);
    std::printf("filled %zu users in %.1f s\n", count,
                std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());

    UserQuery query;
    double worst = measure(users, "first page", query);
    query.cursor = users.pageBlocking(query)->nextCursor.value_or("");
    worst = std::max(worst, measure(users, "second page", query));
    query = {};
    query.search = "q7";
    query.match = TextMatch::Prefix;
    worst = std::max(worst, measure(users, "prefix", query));
    query.disabled = true;
    worst = std::max(worst, measure(users, "prefix, disabled only", query));
    query = {};
    query.search = "example42";
    worst = std::max(worst, measure(users, "part, frequent", query));
    query.search = "nobody-has-this";
    worst = std::max(worst, measure(users, "part, found nowhere", query));
    query = {};
    query.role = Role::Admin;
    worst = std::max(worst, measure(users, "role", query));
    query.disabled = true;
    worst = std::max(worst, measure(users, "role and disabled", query));
    return worst <= boundMilliseconds ? 0 : 1;
}
