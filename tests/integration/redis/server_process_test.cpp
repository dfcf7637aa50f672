// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/runtime.h"
#include "core/redis/append_only.h"
#include "core/redis/client.h"
#include "core/redis/server_process.h"

#include <signal.h>
#include <sys/stat.h>

#include <QElapsedTimer>
#include <QFile>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>
#include <fstream>
#include <mutex>

using namespace portolan;
using namespace portolan::redis;
using namespace std::chrono_literals;

namespace {

std::filesystem::path pathOf(const QTemporaryDir &directory) { return directory.path().toStdString(); }

/// Runs one command over a client of its own.
Result<Reply> ask(const Endpoint &endpoint, Command command)
{
    Runtime runtime(1);
    Client client(runtime.at(0), endpoint);
    client.start();
    return runSync<Result<Reply>>(runtime.at(0), [&]() -> awaitable<Result<Reply>> {
        const auto ready = co_await client.waitReady(5s);
        if (!ready)
            co_return ready.error();
        auto reply = co_await client.run(std::move(command));
        co_return reply;
    });
}

bool exists(pid_t pid) { return ::kill(pid, 0) == 0; }

/// A zombie waits only for its parent: it runs no more.
/// What /proc says of it; empty: it is gone.
std::string statOf(pid_t pid)
{
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    std::getline(stat, line);
    return line;
}

bool runs(pid_t pid)
{
    const std::string line = statOf(pid);
    return exists(pid) && line.find(") Z ") == std::string::npos && !line.empty();
}

bool isStopped(pid_t pid) { return statOf(pid).find(") T ") != std::string::npos; }

} // namespace

class ServerProcessTest final : public QObject
{
    Q_OBJECT
private slots:
    void servesOnAPrivateSocketOnly();
    void keepsItsDataOverARestart();
    void restartsWhatWasKilled();
    void tellsWhenItsFilesAreNoLongerThere();
    void restartsWhatHangs();
    void refusesWritesWhenFull();
    void leavesNothingBehindWhenTheParentIsKilled();
    void endsALeftOverThatCouldNotObey();
    void putsTheSocketElsewhereWhenThePathIsLong();
    void saysWhatIsMissing();
    void refusesADirectoryInUse();
    void refusesADirectoryItCannotMake();
    void loadsATruncatedFile();
    void refusesAFileThatWasCutAfterItsEnd();
    void namesADamagedFileAndTheMend();
};

void ServerProcessTest::servesOnAPrivateSocketOnly()
{
    QTemporaryDir directory;
    std::mutex mutex;
    std::vector<std::string> lines;
    ServerProcess server({.dataDirectory = pathOf(directory) / "redis", .onLog = [&](bool, std::string_view line) {
                              const std::lock_guard lock(mutex);
                              lines.emplace_back(line);
                          }});
    QVERIFY(server.start().has_value());
    const auto status = server.status();
    QCOMPARE(status.state, ServerProcess::State::Running);
    QVERIFY(runs(status.pid));
    const auto set = ask(server.endpoint(), Command("CONFIG", "GET", "port")).value();
    QCOMPARE(set.elements[1].text, std::string("0"));
    QCOMPARE(ask(server.endpoint(), Command("CONFIG", "GET", "maxmemory-policy")).value().elements[1].text,
             std::string("noeviction"));
    struct stat info
    {};
    QCOMPARE(::stat((pathOf(directory) / "redis").c_str(), &info), 0);
    QCOMPARE(info.st_mode & 0777, 0700U);
    QCOMPARE(::stat(server.endpoint().path.c_str(), &info), 0);
    QCOMPARE(info.st_mode & 0777, 0600U);
    server.stop();
    server.stop();
    QVERIFY(!exists(status.pid));
    QVERIFY(!std::filesystem::exists(server.endpoint().path));
    QCOMPARE(server.status().state, ServerProcess::State::Stopped);
    const std::lock_guard lock(mutex);
    QVERIFY(std::any_of(lines.begin(), lines.end(),
                        [](const auto &line) { return line.starts_with("The server is now ready"); }));
}

void ServerProcessTest::keepsItsDataOverARestart()
{
    QTemporaryDir directory;
    ServerProcess server({.dataDirectory = pathOf(directory)});
    QVERIFY(server.start().has_value());
    QVERIFY(ask(server.endpoint(), Command("SET", "k", "kept")).has_value());
    server.stop();
    QVERIFY(server.start().has_value());
    QCOMPARE(ask(server.endpoint(), Command("GET", "k")).value().text, std::string("kept"));
}

void ServerProcessTest::restartsWhatWasKilled()
{
    QTemporaryDir directory;
    ServerProcess server({.dataDirectory = pathOf(directory)});
    QVERIFY(server.start().has_value());
    Runtime runtime(1);
    Client client(runtime.at(0), server.endpoint());
    client.start();
    const auto ready = [&] { return runSync<Result<void>>(runtime.at(0), [&] { return client.waitReady(5s); }); };
    QVERIFY(ready().has_value());
    for (std::uint64_t round = 1; round <= 3; ++round) {
        for (int i = 0; i < 100; ++i)
            QVERIFY(
                runSync<Result<Reply>>(runtime.at(0), [&] { return client.run(Command("INCR", "n")); }).has_value());
        // While an fsync is under way Redis keeps what it appends in memory, for up to two seconds (redis.conf,
        // everysec).
        QTRY_VERIFY(runSync<Result<Reply>>(runtime.at(0), [&] { return client.run(Command("INFO", "persistence")); })
                        .value()
                        .text.find("aof_buffer_length:0\r") != std::string::npos);
        ::kill(server.status().pid, SIGKILL);
        QElapsedTimer away;
        away.start();
        QTRY_COMPARE(client.state(), Client::State::Connecting);
        QVERIFY(ready().has_value());
        QVERIFY2(away.elapsed() < 2000, qPrintable(QString::number(away.elapsed())));
        QCOMPARE(server.status().restarts, round);
        const auto count = runSync<Result<Reply>>(runtime.at(0), [&] { return client.run(Command("GET", "n")); });
        QCOMPARE(count.value().text, std::to_string(100 * round));
    }
}

void ServerProcessTest::tellsWhenItsFilesAreNoLongerThere()
{
    QTemporaryDir directory;
    const auto data = pathOf(directory) / "redis";
    const auto away = pathOf(directory) / "away";
    ServerProcess server({.dataDirectory = data});
    QVERIFY(server.inPlace().has_value()); // nothing to miss yet
    QVERIFY(server.start().has_value());
    QVERIFY(server.inPlace().has_value());
    for (const auto &folder : {data, data / "appendonlydir"}) {
        std::filesystem::rename(folder, away);
        const auto gone = server.inPlace();
        QVERIFY(!gone && gone.error().code == "redis-moved");
        QVERIFY(gone.error().message.find(folder.string()) != std::string::npos);
        std::filesystem::create_directory(folder);
        QVERIFY(!server.inPlace());
        std::filesystem::remove(folder);
        std::filesystem::rename(away, folder);
        QVERIFY(server.inPlace().has_value());
    }
}

void ServerProcessTest::restartsWhatHangs()
{
    QTemporaryDir directory;
    ServerProcess server({.dataDirectory = pathOf(directory), .hangTimeout = 600ms});
    QVERIFY(server.start().has_value());
    QVERIFY(ask(server.endpoint(), Command("SET", "k", "kept")).has_value());
    const pid_t hung = server.status().pid;
    ::kill(hung, SIGSTOP);
    QTRY_VERIFY_WITH_TIMEOUT(server.status().state == ServerProcess::State::Running && server.status().pid != hung,
                             20'000);
    QVERIFY(!runs(hung));
    QCOMPARE(server.status().restarts, std::uint64_t{1});
    QCOMPARE(ask(server.endpoint(), Command("GET", "k")).value().text, std::string("kept"));
}

void ServerProcessTest::refusesWritesWhenFull()
{
    QTemporaryDir directory;
    ServerProcess server({.dataDirectory = pathOf(directory), .maxmemory = 2 * 1024 * 1024});
    QVERIFY(server.start().has_value());
    const std::string large(100 * 1024, 'x');
    Result<Reply> last = Reply{};
    for (int i = 0; i < 40 && last; ++i)
        last = ask(server.endpoint(), Command("SET", "k" + std::to_string(i), large));
    QCOMPARE(last.error().kind, ErrorKind::Full);
    QCOMPARE(last.error().code, std::string("redis-full"));
    QVERIFY(ask(server.endpoint(), Command("GET", "k0")).value().text == large);
}

void ServerProcessTest::leavesNothingBehindWhenTheParentIsKilled()
{
    QTemporaryDir directory;
    for (int round = 0; round < 3; ++round) {
        QProcess parent;
        parent.start(SERVER_PROCESS_HELPER, {directory.path()});
        QVERIFY(parent.waitForReadyRead(30'000));
        const auto words = parent.readLine().trimmed().split(' ');
        QCOMPARE(words.size(), 2);
        const pid_t pid = words[0].toInt();
        QVERIFY(runs(pid));
        Endpoint endpoint;
        endpoint.transport = Endpoint::Transport::Unix;
        endpoint.path = words[1].toStdString();
        QCOMPARE(ask(endpoint, Command("INCR", "n")).value().integer, std::int64_t{round + 1});
        parent.kill();
        QVERIFY(parent.waitForFinished(5'000));
        QTRY_VERIFY(!runs(pid));
    }
}

void ServerProcessTest::endsALeftOverThatCouldNotObey()
{
    QTemporaryDir directory;
    QProcess parent;
    parent.start(SERVER_PROCESS_HELPER, {directory.path()});
    QVERIFY(parent.waitForReadyRead(30'000));
    const pid_t pid = parent.readLine().trimmed().split(' ')[0].toInt();
    ::kill(pid, SIGSTOP);
    QTRY_VERIFY(isStopped(pid)); // before the signal that its parent's end sends
    parent.kill();
    QVERIFY(parent.waitForFinished(5'000));
    QVERIFY(runs(pid));
    ServerProcess server({.dataDirectory = pathOf(directory)});
    QVERIFY(server.start().has_value());
    QVERIFY(!runs(pid));
    QVERIFY(ask(server.endpoint(), Command("PING")).has_value());
}

void ServerProcessTest::putsTheSocketElsewhereWhenThePathIsLong()
{
    QTemporaryDir directory;
    ServerProcess server({.dataDirectory = pathOf(directory) / std::string(120, 'd') / "redis"});
    QVERIFY(server.start().has_value());
    const std::filesystem::path socket = server.endpoint().path;
    QVERIFY(socket.native().size() < 108);
    QVERIFY(ask(server.endpoint(), Command("PING")).has_value());
    struct stat info
    {};
    QCOMPARE(::stat(socket.parent_path().c_str(), &info), 0);
    QCOMPARE(info.st_mode & 0777, 0700U);
    server.stop();
    QVERIFY(!std::filesystem::exists(socket.parent_path()));
}

void ServerProcessTest::saysWhatIsMissing()
{
    QTemporaryDir directory;
    ServerProcess server({.dataDirectory = pathOf(directory), .program = "redis-server-that-is-not-there"});
    const auto started = server.start();
    QCOMPARE(started.error().kind, ErrorKind::Unavailable);
    QCOMPARE(started.error().code, std::string("redis-missing"));
    QVERIFY(started.error().hint.find("redis-server") != std::string::npos);
}

void ServerProcessTest::refusesADirectoryInUse()
{
    QTemporaryDir directory;
    ServerProcess first({.dataDirectory = pathOf(directory)});
    QVERIFY(first.start().has_value());
    ServerProcess second({.dataDirectory = pathOf(directory)});
    const auto started = second.start();
    QCOMPARE(started.error().kind, ErrorKind::Conflict);
    QVERIFY(started.error().message.find(directory.path().toStdString()) != std::string::npos);
    QVERIFY(ask(first.endpoint(), Command("PING")).has_value());
}

void ServerProcessTest::refusesADirectoryItCannotMake()
{
    QTemporaryDir directory;
    QFile file(directory.filePath("file"));
    QVERIFY(file.open(QIODevice::WriteOnly));
    ServerProcess server({.dataDirectory = pathOf(directory) / "file" / "redis"});
    QCOMPARE(server.start().error().code, std::string("redis-data"));
}

void ServerProcessTest::loadsATruncatedFile()
{
    QTemporaryDir directory;
    ServerProcess server({.dataDirectory = pathOf(directory)});
    QVERIFY(server.start().has_value());
    QVERIFY(ask(server.endpoint(), Command("SET", "a", "1")).has_value());
    QVERIFY(ask(server.endpoint(), Command("SET", "b", "2")).has_value());
    const QTemporaryDir crashed; // what lies there while it runs is what a crash leaves
    for (const char *name : {"appendonlydir", "appendonly.note"})
        std::filesystem::copy(pathOf(directory) / name, pathOf(crashed) / name,
                              std::filesystem::copy_options::recursive);
    const auto file = pathOf(crashed) / "appendonlydir" / "appendonly.aof.1.incr.aof";
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 3);
    ServerProcess next({.dataDirectory = pathOf(crashed)});
    QVERIFY(next.start().has_value());
    QCOMPARE(ask(next.endpoint(), Command("GET", "a")).value().text, std::string("1"));
    QVERIFY(ask(next.endpoint(), Command("GET", "b")).value().isNil());
}

void ServerProcessTest::refusesAFileThatWasCutAfterItsEnd()
{
    const QTemporaryDir directory;
    const auto data = pathOf(directory) / "redis";
    ServerProcess server({.dataDirectory = data, .noteFile = pathOf(directory) / "redis.note"});
    QVERIFY(server.start().has_value());
    QVERIFY(ask(server.endpoint(), Command("SET", "a", "1")).has_value());
    QVERIFY(ask(server.endpoint(), Command("SET", "b", "2")).has_value());
    server.stop();
    const auto file = data / "appendonlydir" / "appendonly.aof.1.incr.aof";
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 3);
    for (int twice = 0; twice < 2; ++twice)
        QCOMPARE(server.start().error().code, std::string("redis-corrupt"));
    QVERIFY(AppendOnly(data, pathOf(directory) / "redis.note").mend().has_value());
    QVERIFY(server.start().has_value());
    QCOMPARE(ask(server.endpoint(), Command("GET", "a")).value().text, std::string("1"));
    server.stop();
    std::filesystem::remove_all(data);
    QCOMPARE(server.start().error().code, std::string("redis-corrupt"));
    std::filesystem::remove_all(data);
    std::ofstream(data) << "no directory";
    QCOMPARE(server.start().error().code, std::string("redis-corrupt"));
}

void ServerProcessTest::namesADamagedFileAndTheMend()
{
    QTemporaryDir directory;
    ServerProcess server({.dataDirectory = pathOf(directory)});
    QVERIFY(server.start().has_value());
    QVERIFY(ask(server.endpoint(), Command("SET", "a", "1")).has_value());
    QVERIFY(ask(server.endpoint(), Command("SET", "b", "2")).has_value());
    server.stop();
    const auto name = (pathOf(directory) / "appendonlydir" / "appendonly.aof.1.incr.aof").string();
    {
        std::fstream file(name, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(4);
        file << "garbage";
    }
    const auto started = server.start();
    QCOMPARE(started.error().code, std::string("redis-corrupt"));
    QVERIFY(started.error().hint.find("redis-check-aof --fix") != std::string::npos);
    QVERIFY(started.error().message.find(directory.path().toStdString()) != std::string::npos);
    QCOMPARE(server.status().state, ServerProcess::State::Stopped);
    QCOMPARE(server.status().pid, 0);
    QVERIFY(AppendOnly(pathOf(directory)).mend("redis-check-aof").has_value()); // as `portoland mend` does
    QVERIFY(server.start().has_value());
}

QTEST_GUILESS_MAIN(ServerProcessTest)
#include "server_process_test.moc"
