// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/blocking_pool.h"
#include "core/base/child_process.h"
#include "core/base/credentials.h"
#include "core/base/program.h"
#include "core/base/runtime.h"
#include "core/base/settings.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <QDeadlineTimer>
#include <QTemporaryDir>
#include <QTest>
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

using namespace portolan;
using namespace std::chrono_literals;

/// Real programs, as a deployment's file names them.
class ProgramTest final : public QObject
{
    Q_OBJECT
private slots:
    void answersWhatItPrints();
    void seesOnlyWhatIsNamed();
    void hasNoShellAndNothingToRead();
    void hasNoFileOfOurs();
    void isFoundInPath();
    void saysWhatFailed_data();
    void saysWhatFailed();
    void losesNothingItPrinted();
    void boundsWhatItPrints();
    void endsASleeperWithAllItStarted();
    void letsItCleanUp();
    void endsWhatItLeftBehind();
    void endsWithItsCaller();
    void readsSecrets_data();
    void readsSecrets();
};

namespace {

std::vector<std::string> shell(const std::string &script, const std::string &argument = {})
{
    return {"sh", "-c", script, argument};
}

Result<std::string> run(ProgramRequest request)
{
    Runtime runtime(1);
    if (request.environment.empty())
        request.environment = programEnvironment(processEnvironment, {});
    return runSync<Result<std::string>>(runtime.at(0), [&] { return runProgram(request); });
}

/// Gone, or only waiting to be reaped by whoever has taken it over.
bool isOver(pid_t pid)
{
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(file, text);
    const auto behind = text.rfind(") ");
    return text.empty() || text.substr(behind + 2, 1) == "Z" || text.substr(behind + 2, 1) == "X";
}

pid_t pidIn(const std::string &path)
{
    pid_t pid = 0;
    std::ifstream(path) >> pid;
    return pid;
}

} // namespace

void ProgramTest::answersWhatItPrints()
{
    QCOMPARE(run({shell("echo one; echo two; echo three >&2")}).value(), std::string("one\ntwo\n"));
    QCOMPARE(run({{"true"}}).value(), std::string());
    const auto path = findProgram("echo");
    QCOMPARE(run({{path.value(), "x"}}).value(), std::string("x\n"));
}

void ProgramTest::seesOnlyWhatIsNamed()
{
    const std::map<std::string, std::string> ours{
        {"PATH", "/usr/bin:/bin"}, {"HOME", "/home/x"}, {"LANG", "de_DE"}, {"SHOP", "a=b"}, {"SECRET", "hunter2"}};
    ProgramRequest request{{"env"}};
    request.environment = programEnvironment(
        [&](const std::string &name) {
            const auto found = ours.find(name);
            return found == ours.end() ? std::nullopt : std::optional(found->second);
        },
        {"SHOP", "ABSENT", "PATH"});
    std::istringstream text(run(request).value());
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);)
        lines.push_back(line);
    std::ranges::sort(lines);
    QVERIFY((lines == std::vector<std::string>{"HOME=/home/x", "LANG=de_DE", "PATH=/usr/bin:/bin", "SHOP=a=b"}));
}

void ProgramTest::hasNoShellAndNothingToRead()
{
    QCOMPARE(run({{"printf", "%s", "$HOME `id` ; | > x"}}).value(), std::string("$HOME `id` ; | > x"));
    // What stands at our own input is not for it.
    std::array<int, 2> pipe{};
    QVERIFY(::pipe(pipe.data()) == 0 && ::write(pipe[1], "ours", 4) == 4);
    ::close(pipe[1]);
    const FileDescriptor before(::dup(0)), from(pipe[0]);
    QVERIFY(::dup2(from.get(), 0) == 0);
    const auto done = run({shell("cat; pwd")});
    ::dup2(before.get(), 0);
    QCOMPARE(done.value(), std::string("/\n"));
}

void ProgramTest::hasNoFileOfOurs()
{
    const FileDescriptor ours(::fcntl(0, F_DUPFD, 77)); // which exec would leave open
    QVERIFY(ours.get() >= 77);
    const std::string open = run({shell("echo /proc/self/fd/*")}).value();
    QVERIFY2(open.find("/fd/2 ") != std::string::npos, open.c_str());
    QVERIFY2(open.find("/fd/" + std::to_string(ours.get())) == std::string::npos, open.c_str());
}

/// By its name: the first that can be run, of the whole paths in PATH. What stands in the folder we happen to be in is
/// somebody else's.
void ProgramTest::isFoundInPath()
{
    const QTemporaryDir folder;
    const std::string root = folder.path().toStdString();
    const auto make = [&](const std::string &name, mode_t mode) {
        std::ofstream(root + '/' + name) << "#!/bin/sh\necho " << name << '\n';
        QVERIFY(::chmod((root + '/' + name).c_str(), mode) == 0);
    };
    for (const char *name : {"here", "a", "b", "c", "b/found"})
        QVERIFY(::mkdir((root + '/' + name).c_str(), 0700) == 0); // b/found is none: it is a folder
    make("here/found", 0700);
    make("a/found", 0600);
    make("c/found", 0700);
    const QByteArray path = qgetenv("PATH");
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(root + "/here");
    const auto find = [&](const std::string &places) {
        qputenv("PATH", QByteArray::fromStdString(places) + ':' + path);
        return findProgram("found").value_or("none");
    };
    const std::string none = find("");
    const std::string third = find("." + (':' + root) + "/a:" + root + "/b:" + root + "/c");
    const auto relative = run({{"found"}}); // PATH has it now
    qputenv("PATH", path);
    std::filesystem::current_path(before);
    QCOMPARE(none, std::string("none"));
    QCOMPARE(third, root + "/c/found");
    QCOMPARE(relative.value(), std::string("c/found\n"));
}

void ProgramTest::saysWhatFailed_data()
{
    QTest::addColumn<QStringList>("program");
    QTest::addColumn<QByteArray>("code");
    QTest::addColumn<QByteArray>("message");
    const auto row = [](const char *name, const QStringList &program, const char *code, const char *message) {
        QTest::newRow(name) << program << QByteArray(code) << QByteArray(message);
    };
    row("none", {"no-such-program-here", "hunter2"}, "program-missing", "There is no program no-such-program-here");
    row("no program", {"/etc/passwd"}, "program-missing", "There is no program /etc/passwd");
    row("exit code", {"sh", "-c", "exit 3", "hunter2"}, "program-failed", "sh ended with exit code 3");
    row("signal", {"sh", "-c", "kill -9 $$"}, "program-failed", "sh ended with signal 9");
    row("says why", {"sh", "-c", "echo first >&2; echo password=hunter2 is wrong >&2; exit 1"}, "program-failed",
        "sh ended with exit code 1: password=*** is wrong");
    row("says much", {"sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x >&2; echo >&2; echo end >&2; exit 1"},
        "program-failed", "sh ended with exit code 1: end");
    row("says much in a line", {"sh", "-c", "printf 'password=' >&2; printf 'hunter2 %.0s' $(seq 20000) >&2; exit 1"},
        "program-failed", "sh ended with exit code 1");
    row("closes its output", {"sh", "-c", "exec >&- 2>&-; sleep 0.1; exit 4"}, "program-failed",
        "sh ended with exit code 4");
}

void ProgramTest::saysWhatFailed()
{
    QFETCH(QStringList, program);
    QFETCH(QByteArray, code);
    QFETCH(QByteArray, message);
    ProgramRequest request;
    for (const auto &argument : program)
        request.arguments.push_back(argument.toStdString());
    const auto done = run(request);
    QVERIFY(done.has_error());
    QCOMPARE(done.error().message, message.toStdString());
    QCOMPARE(done.error().code, code.toStdString());
    QVERIFY((done.error().message + done.error().hint).find("hunter2") == std::string::npos);
}

/// Nothing of it is lost, however it was read: most of it is still in the pipe when its writer has ended.
void ProgramTest::losesNothingItPrinted()
{
    std::string all;
    for (int i = 1; i <= 20'000; ++i)
        all += std::to_string(i) + '\n';
    for (int i = 0; i < 20; ++i)
        QVERIFY(run({{"seq", "20000"}}).value() == all);
}

void ProgramTest::boundsWhatItPrints()
{
    QVERIFY(ProgramRequest{}.deadline == 30s && ProgramRequest{}.most == 1024 * 1024);
    QCOMPARE(run({{"head", "-c", "1048576", "/dev/zero"}}).value().size(), mostProgramOutput);
    const std::vector<std::vector<std::string>> programs{{"head", "-c", "2097152", "/dev/zero"}, {"yes"}};
    for (const auto &arguments : programs) {
        const auto done = run({arguments});
        QVERIFY(done.has_error());
        QCOMPARE(done.error().code, std::string("program-output"));
        QVERIFY(done.error().kind == ErrorKind::TooLarge);
    }
}

void ProgramTest::endsASleeperWithAllItStarted()
{
    const QTemporaryDir folder;
    const std::string path = folder.filePath("pid").toStdString();
    // Neither of them ends by SIGTERM.
    ProgramRequest request{
        shell("trap '' TERM; sh -c 'trap \"\" TERM; sleep 300; :' & echo $! > \"$0\"; wait; sleep 300", path)};
    request.deadline = 4s;
    request.grace = 100ms;
    const auto done = run(request);
    QVERIFY(done.has_error());
    QCOMPARE(done.error().code, std::string("program-slow"));
    QVERIFY(done.error().kind == ErrorKind::Timeout);
    QVERIFY(done.error().message.starts_with("sh did not end within 4 s"));
    const pid_t child = pidIn(path);
    QVERIFY(child > 0);
    QTRY_VERIFY(isOver(child));
}

void ProgramTest::letsItCleanUp()
{
    const QTemporaryDir folder;
    const std::string path = folder.filePath("done").toStdString();
    ProgramRequest request{shell("trap 'echo 42 > \"$0\"; exit' TERM; sleep 300 & wait", path)};
    request.deadline = 3s;
    request.grace = 30s; // it takes as long as it takes
    QDeadlineTimer before(25s);
    QCOMPARE(run(request).error().code, std::string("program-slow"));
    QVERIFY(!before.hasExpired());
    QCOMPARE(pidIn(path), 42);
}

void ProgramTest::endsWhatItLeftBehind()
{
    QDeadlineTimer before(25s); // it holds the other end of the pipe
    const auto done = run({shell("sleep 300 & echo $!")});
    QVERIFY(!before.hasExpired());
    const pid_t left = std::stoi(done.value());
    QTRY_VERIFY(isOver(left));
}

void ProgramTest::endsWithItsCaller()
{
    const QTemporaryDir folder;
    const std::string path = folder.filePath("pid").toStdString();
    ProgramRequest request{shell("sleep 300 & echo $! > \"$0.new\"; mv \"$0.new\" \"$0\"; wait", path)};
    request.environment = programEnvironment(processEnvironment, {});
    std::optional<Runtime> runtime(std::in_place, 1);
    spawn(runtime->at(0), [&request]() -> awaitable<void> { (void)co_await runProgram(request); });
    QTRY_VERIFY_WITH_TIMEOUT(pidIn(path) > 0, 20'000);
    runtime.reset();
    const pid_t child = pidIn(path);
    QTRY_VERIFY(isOver(child));
}

void ProgramTest::readsSecrets_data()
{
    QTest::addColumn<QByteArray>("script");
    QTest::addColumn<QByteArray>("secret");
    QTest::addColumn<QByteArray>("code");
    QTest::newRow("first line") << QByteArray("printf 's3cret\\nuser: x\\n'") << QByteArray("s3cret") << QByteArray();
    QTest::newRow("variable") << QByteArray("echo $SHOP") << QByteArray("from outside") << QByteArray();
    QTest::newRow("no other variable") << QByteArray("echo \"$SHOP$OTHER\"") << QByteArray("from outside")
                                       << QByteArray();
    QTest::newRow("rubbish") << QByteArray("printf '\\377\\376\\001hunter2'") << QByteArray()
                             << QByteArray("secret-rubbish");
    QTest::newRow("nothing") << QByteArray(":") << QByteArray() << QByteArray("secret-rubbish");
    QTest::newRow("2 MB") << QByteArray("head -c 2097152 /dev/urandom") << QByteArray() << QByteArray("program-output");
    QTest::newRow("failure") << QByteArray("echo hunter2; exit 1") << QByteArray() << QByteArray("program-failed");
}

void ProgramTest::readsSecrets()
{
    QFETCH(QByteArray, script);
    QFETCH(QByteArray, secret);
    QFETCH(QByteArray, code);
    Runtime runtime(1);
    BlockingPool pool("files", 1, 10);
    const SecretRef reference{SecretRef::Kind::Command, {}, shell(script.toStdString()), {"SHOP"}};
    const SecretSources sources{[](const std::string &name) -> std::optional<std::string> {
                                    return name == "SHOP" || name == "OTHER"
                                               ? std::optional<std::string>("from outside")
                                               : processEnvironment(name);
                                },
                                {}};
    const auto read = runSync<Result<Secret>>(runtime.at(0), [&] { return readSecret(reference, sources, pool); });
    if (!secret.isEmpty()) {
        QVERIFY2(read.has_value(), read ? "" : read.error().message.c_str());
        QCOMPARE(QByteArray::fromStdString(std::string(read->reveal())), secret);
        return;
    }
    QVERIFY(read.has_error());
    QCOMPARE(read.error().code, code.toStdString());
    QVERIFY(read.error().message.find("hunter2") == std::string::npos);
}

QTEST_APPLESS_MAIN(ProgramTest)
#include "program_test.moc"
