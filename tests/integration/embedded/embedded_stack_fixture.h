// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/data_directory.h"
#include "core/base/runtime.h"
#include "core/base/system_clock.h"
#include "core/embedded/embedded_stack.h"
#include "core/redis/client.h"
#include "tests/fakes/audit_file.h"
#include "tests/fakes/await.h"
#include "tests/fakes/permits.h"

#include <QTemporaryDir>

namespace portolan::embedded {

using namespace std::chrono_literals;
using State = LocalStack::State;

/// A portal inside this process, with a folder and a private Redis of its own.
struct Stack
{
    /// `key` and `value`: one more setting of the process.
    explicit Stack(std::string key = "app_env", std::string value = "development")
        : sources(told(std::move(key), std::move(value)))
    {}

    SettingSources told(std::string key, std::string value) const
    {
        SettingSources all;
        all.commandLine = {{"data_dir", directory.path().toStdString()},
                           {"listen", "127.0.0.1:0"},
                           {std::move(key), std::move(value)}};
        return all;
    }
    Result<void> start() { return await(stack.start(stack.settings())); }
    QFuture<Result<ActionOutcome>> begin(StackCommand command)
    {
        return stack.perform(std::move(command), permitted("because"));
    }
    Result<ActionOutcome> perform(StackCommand command) { return await(begin(std::move(command))); }
    std::vector<AuditEntry> audit() const { return auditOf(directory.filePath("portal.db")); }
    /// Keys in the private Redis that match, asked by a client of its own.
    std::vector<std::string> keys(const std::string &pattern) const
    {
        const auto socket = readFile(directory.filePath("redis.socket").toStdString()).value();
        const auto endpoint = redis::Endpoint::parse("unix:" + socket).value();
        Runtime runtime(1);
        redis::Client client(runtime.at(0), endpoint);
        client.start();
        const auto reply = runSync<Result<redis::Reply>>(runtime.at(0), [&]() -> awaitable<Result<redis::Reply>> {
            auto ready = co_await client.waitReady(5s);
            if (!ready)
                co_return ready.error();
            co_return co_await client.run(redis::Command("KEYS", pattern));
        });
        client.stop();
        std::vector<std::string> found;
        for (const auto &element : reply.value().elements)
            found.push_back(element.text);
        return found;
    }
    /// Rows in the SQLite file.
    int rows(const QString &table) const
    {
        int count = -1;
        {
            auto database = QSqlDatabase::addDatabase("QSQLITE", "rows");
            database.setConnectOptions("QSQLITE_OPEN_READONLY;QSQLITE_BUSY_TIMEOUT=10000");
            database.setDatabaseName(directory.filePath("portal.db"));
            QSqlQuery query(database);
            if (database.open() && query.exec("SELECT count(*) FROM " + table) && query.next())
                count = query.value(0).toInt();
        }
        QSqlDatabase::removeDatabase("rows");
        return count;
    }
    std::size_t users()
    {
        UserQuery query;
        query.limit = 500;
        return await(stack.deployment().ask(UsersQuestion{query})).value().items.size();
    }

    QTemporaryDir directory;
    SystemClock clock;
    SettingSources sources;
    EmbeddedStack stack{sources, clock};
};

template <class T> std::string words(const Result<T> &result)
{
    return result ? std::string() : result.error().message;
}

} // namespace portolan::embedded
