// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/data_directory.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <QTemporaryDir>
#include <QTest>
#include <fstream>
#include <map>
#include <thread>

using namespace portolan;
namespace fs = std::filesystem;

namespace {

unsigned modeOf(const fs::path &path)
{
    struct stat info
    {};
    return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

} // namespace

class DataDirectoryTest final : public QObject
{
    Q_OBJECT
private slots:
    void init();
    void findsItsPlace();
    void isPrivateAndLocked();
    void namesTheProcessThatHasIt();
    void tellsWhenItIsNoLongerThere();
    void refusesWhatIsNoDirectory();
    void replacesFilesAsAWhole();
    void readsWithABound();
    void readsPipesOnlyWhereNamed();
    void raisesTheFileLimit();

private:
    std::unique_ptr<QTemporaryDir> m_dir;
    fs::path path(const char *name) const { return fs::path(m_dir->path().toStdString()) / name; }
};

void DataDirectoryTest::init() { m_dir = std::make_unique<QTemporaryDir>(); }

void DataDirectoryTest::findsItsPlace()
{
    std::map<std::string, std::string> variables{{"XDG_DATA_HOME", "/x"}, {"HOME", "/home/u"}};
    const auto read = [&](const std::string &name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
    QCOMPARE(defaultDataDirectory(read).string(), std::string("/x/portolan"));
    variables["XDG_DATA_HOME"] = "relative/is/ignored";
    const bool root = ::geteuid() == 0;
    QCOMPARE(defaultDataDirectory(read).string(),
             std::string(root ? "/var/lib/portolan" : "/home/u/.local/share/portolan"));
    variables.clear();
    QCOMPARE(defaultDataDirectory(read).string(), std::string("/var/lib/portolan"));
}

void DataDirectoryTest::isPrivateAndLocked()
{
    const auto place = path("deep/er/data");
    {
        auto first = DataDirectory::open(place);
        QVERIFY(first.has_value());
        QCOMPARE(modeOf(place), 0700u);
        const auto second = DataDirectory::open(place);
        QVERIFY(second.has_error());
        QCOMPARE(second.error().kind, ErrorKind::Conflict);
        QCOMPARE(second.error().code, std::string("data-dir-locked"));
        QVERIFY(second.error().message.find(std::to_string(::getpid())) != std::string::npos);
        DataDirectory moved = std::move(*first);
        QVERIFY(DataDirectory::open(place).has_error());
    }
    QVERIFY(DataDirectory::open(place).has_value());
}

void DataDirectoryTest::namesTheProcessThatHasIt()
{
    const auto place = path("data");
    int ready[2];
    QCOMPARE(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const auto mine = DataDirectory::open(place);
        const char good = mine.has_value() ? 'y' : 'n';
        if (::write(ready[1], &good, 1) != 1)
            ::_exit(1);
        ::pause();
        ::_exit(0);
    }
    char good = 0;
    QCOMPARE(::read(ready[0], &good, 1), ssize_t(1));
    QCOMPARE(good, 'y');
    const auto second = DataDirectory::open(place);
    QVERIFY(second.has_error());
    QVERIFY2(second.error().message.find("process " + std::to_string(child)) != std::string::npos,
             second.error().message.c_str());
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    QVERIFY(DataDirectory::open(place).has_value()); // however the first one ended
    ::close(ready[0]);
    ::close(ready[1]);
}

void DataDirectoryTest::tellsWhenItIsNoLongerThere()
{
    auto directory = DataDirectory::open(path("data"));
    QVERIFY(directory);
    const fs::path lock = directory->file("portoland.lock");
    QVERIFY(directory->keep());
    // Deleted, it is made and locked again.
    fs::remove(lock);
    QVERIFY(directory->keep());
    const auto other = DataDirectory::open(path("data"));
    QVERIFY(!other && other.error().code == "data-dir-locked");
    // Somebody else's is not taken from them.
    fs::rename(lock, path("kept.lock"));
    std::ofstream(lock) << "1";
    QVERIFY(!directory->keep());
    fs::rename(path("kept.lock"), lock);
    QVERIFY(directory->keep());
    // Moved away, replaced, put back.
    fs::rename(path("data"), path("moved"));
    QCOMPARE(directory->keep().error().code, std::string("data-dir-moved"));
    fs::create_directory(path("data"));
    const auto replaced = directory->keep();
    QVERIFY(!replaced && replaced.error().message.find(path("data").string()) != std::string::npos);
    QVERIFY(!fs::exists(lock));
    fs::remove(path("data"));
    fs::rename(path("moved"), path("data"));
    QVERIFY(directory->keep());
}

void DataDirectoryTest::refusesWhatIsNoDirectory()
{
    std::ofstream(path("file")) << "x";
    const auto opened = DataDirectory::open(path("file"));
    QVERIFY(opened.has_error());
    QCOMPARE(opened.error().kind, ErrorKind::Invalid);
    QVERIFY(!opened.error().hint.empty());
    QVERIFY(DataDirectory::open(path("file/below")).has_error());
    QVERIFY(DataDirectory::open("").has_error());
    QVERIFY(DataDirectory::open("/proc/nope").has_error());
}

void DataDirectoryTest::replacesFilesAsAWhole()
{
    const auto file = path("state");
    QVERIFY(writeFileAtomically(file, "one").has_value());
    QCOMPARE(modeOf(file), 0600u);
    QVERIFY(writeFileAtomically(file, std::string(100'000, 'z'), 0640).has_value());
    QCOMPARE(modeOf(file), 0640u);
    QCOMPARE(readFile(file)->size(), std::size_t(100'000));
    QCOMPARE(std::distance(fs::directory_iterator(m_dir->path().toStdString()), fs::directory_iterator()), 1);
    fs::create_directory(path("taken"));
    QVERIFY(writeFileAtomically(path("taken"), "x").has_error());
    QVERIFY(writeFileAtomically(path("none/x"), "x").has_error());
    QCOMPARE(writeFileAtomically("/dev/full/x", "x").has_error(), true);
    QCOMPARE(std::distance(fs::directory_iterator(m_dir->path().toStdString()), fs::directory_iterator()), 2);
}

void DataDirectoryTest::readsWithABound()
{
    std::ofstream(path("f")) << "12345";
    QCOMPARE(*readFile(path("f")), std::string("12345"));
    QCOMPARE(readFile(path("f"), 4).error().kind, ErrorKind::TooLarge);
    QCOMPARE(readFile(path("g")).error().kind, ErrorKind::NotFound);
    QCOMPARE(readFile(m_dir->path().toStdString()).error().kind, ErrorKind::Unavailable);
}

void DataDirectoryTest::readsPipesOnlyWhereNamed()
{
    const auto pipe = path("pipe");
    QCOMPARE(::mkfifo(pipe.c_str(), 0600), 0);
    const auto refused = readFile(pipe); // nobody writes into it, now or later
    QVERIFY(refused.has_error());
    QCOMPARE(refused.error().kind, ErrorKind::Unavailable);
    QVERIFY(refused.error().message.find("no regular file") != std::string::npos);
    std::thread writer([&] { std::ofstream(pipe) << std::string(100'000, 'x'); });
    const auto read = readNamedFile(pipe, 200'000);
    writer.join();
    QCOMPARE(read->size(), std::size_t(100'000));
    QCOMPARE(*readNamedFile("/dev/null", 10), std::string());
}

void DataDirectoryTest::raisesTheFileLimit()
{
    const auto limit = raiseFileLimit();
    QVERIFY(limit > 0);
    QCOMPARE(raiseFileLimit(), limit);
}

QTEST_GUILESS_MAIN(DataDirectoryTest)
#include "data_directory_test.moc"
