// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/file_owner.h"

#include <sys/stat.h>
#include <unistd.h>

#include <QDeadlineTimer>
#include <QTemporaryDir>
#include <QTest>
#include <atomic>
#include <chrono>
#include <fstream>
#include <memory>
#include <thread>

using namespace portolan;
namespace fs = std::filesystem;

/// Whether a file is its owner's alone. Everything is in a folder of this test's own, whatever the umask.
class FileOwnerTest final : public QObject
{
    Q_OBJECT
private slots:
    void init();
    void trustsWhatNobodyElseCanWrite();
    void looksAtTheFile();
    void looksAtEveryFolder();
    void followsLinks();
    void seesALinkThatIsSwappedMeanwhile();
    void knowsOtherUsers();
    void readsWithinBounds();
    void readsSecretsThatAreClosed();

private:
    fs::path make(const std::string &name, mode_t mode, const std::string &text = "x")
    {
        const fs::path path = m_root / name;
        std::ofstream(path) << text;
        ::chmod(path.c_str(), mode);
        return path;
    }
    fs::path makeFolder(const std::string &name, mode_t mode)
    {
        const fs::path path = m_root / name;
        fs::create_directory(path);
        ::chmod(path.c_str(), mode);
        return path;
    }
    /// Why it is somebody else's word; empty: it is not.
    static std::string foreign(const fs::path &path)
    {
        const auto owned = readOwnedFile(path, 1000);
        return !owned ? "error: " + owned.error().message : owned->foreign ? owned->foreign->message : std::string();
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    fs::path m_root;
};

void FileOwnerTest::init()
{
    m_folder = std::make_unique<QTemporaryDir>();
    m_root = fs::canonical(m_folder->path().toStdString());
}

void FileOwnerTest::trustsWhatNobodyElseCanWrite()
{
    QCOMPARE(foreign(make("a", 0644)),
             std::string()); // its folder is in one that all may write and none may move things in
    QCOMPARE(foreign(make("b", 0400)), std::string());
    const auto owned = readOwnedFile(make("c", 0600, "text\n"), 1000);
    QVERIFY(owned && owned->text == "text\n" && !owned->foreign);
}

void FileOwnerTest::looksAtTheFile()
{
    for (const mode_t mode : {0664U, 0646U, 0666U, 0777U}) {
        const auto path = make("a", mode);
        QCOMPARE(foreign(path), path.string() + " can be written by others");
    }
}

void FileOwnerTest::looksAtEveryFolder()
{
    makeFolder("open", 0777);
    makeFolder("open/inner", 0700);
    const auto path = make("open/inner/file", 0600);
    QCOMPARE(foreign(path), (m_root / "open").string() + " can be written by others");
    ::chmod((m_root / "open").c_str(), 0775);
    QCOMPARE(foreign(path), (m_root / "open").string() + " can be written by others");
    ::chmod((m_root / "open").c_str(), 01777); // as /tmp: what is in it is its owner's to move
    QCOMPARE(foreign(path), std::string());
    ::chmod((m_root / "open").c_str(), 0755);
    QCOMPARE(foreign(path), std::string());
    const auto here = fs::current_path();
    fs::current_path(m_root / "open");
    QCOMPARE(foreign("inner/../inner/./file"), std::string());
    ::chmod((m_root / "open").c_str(), 0777);
    QVERIFY(foreign("inner/file").find("can be written by others") != std::string::npos);
    fs::current_path(here);
}

void FileOwnerTest::followsLinks()
{
    makeFolder("closed", 0700);
    makeFolder("open", 0777);
    make("closed/file", 0600);
    make("open/file", 0600);
    fs::create_symlink("closed/file", m_root / "good");
    QCOMPARE(foreign(m_root / "good"), std::string());
    // Who may write the folder of a link, or of what it leads to, chooses what is read.
    fs::create_symlink("../closed/file", m_root / "open/link");
    QVERIFY(foreign(m_root / "open/link").ends_with("open can be written by others"));
    fs::create_symlink(m_root / "open/file", m_root / "bad");
    QVERIFY(foreign(m_root / "bad").ends_with("open can be written by others"));
    fs::create_directory_symlink("open", m_root / "folder");
    QVERIFY(foreign(m_root / "folder/file").ends_with("open can be written by others"));
    fs::create_symlink(m_root / "open/link", m_root / "hop");
    QVERIFY(foreign(m_root / "hop").ends_with("open can be written by others"));
    fs::create_symlink("loop", m_root / "loop");
    QVERIFY(foreign(m_root / "loop").starts_with("error: Cannot read"));
}

/// What is read is what was looked at: between opening and looking a link may lead elsewhere.
void FileOwnerTest::seesALinkThatIsSwappedMeanwhile()
{
    makeFolder("closed", 0700);
    makeFolder("open", 0777);
    make("closed/file", 0600, "good");
    make("open/file", 0600, "bad");
    fs::create_symlink("closed/file", m_root / "link");
    std::atomic<bool> done = false;
    std::thread swapper([&] {
        for (bool good = false; !done; good = !good) {
            fs::create_symlink(good ? "closed/file" : "open/file", m_root / "next");
            fs::rename(m_root / "next", m_root / "link");
        }
    });
    std::string wrong;
    bool swapped = false;
    bool trusted = false;
    for (QDeadlineTimer time(std::chrono::seconds(30)); wrong.empty() && !(swapped && trusted) && !time.hasExpired();) {
        const auto owned = readOwnedFile(m_root / "link", 1000);
        if (!owned)
            wrong = owned.error().message;
        else if (!owned->foreign && owned->text != "good")
            wrong = "trusted " + owned->text;
        else if (!owned->foreign)
            trusted = true;
        else if (owned->foreign->message.ends_with("was replaced while it was read"))
            swapped = true;
    }
    done = true;
    swapper.join();
    QVERIFY2(wrong.empty(), wrong.c_str());
    QVERIFY(swapped && trusted);
}

void FileOwnerTest::knowsOtherUsers()
{
    QCOMPARE(foreign("/etc/hostname"), std::string()); // root's
    if (::geteuid() != 0)
        return; // only root can hand a file to another user
    const auto path = make("a", 0644);
    QVERIFY(::chown(path.c_str(), 65534, gid_t(-1)) == 0);
    QCOMPARE(foreign(path), path.string() + " belongs to another user");
    makeFolder("theirs", 0755);
    const auto inner = make("theirs/file", 0644);
    QVERIFY(::chown((m_root / "theirs").c_str(), 65534, gid_t(-1)) == 0);
    QCOMPARE(foreign(inner), (m_root / "theirs").string() + " belongs to another user");
    fs::create_symlink(make("mine", 0600), m_root / "link");
    QVERIFY(::lchown((m_root / "link").c_str(), 65534, gid_t(-1)) == 0);
    QCOMPARE(foreign(m_root / "link"), (m_root / "link").string() + " belongs to another user");
    const auto secret = make("secret", 0600);
    QVERIFY(::chown(secret.c_str(), 65534, gid_t(-1)) == 0);
    QVERIFY(readSecretFile(secret, 100).error().kind == ErrorKind::Forbidden);
}

void FileOwnerTest::readsWithinBounds()
{
    QVERIFY(readOwnedFile(make("a", 0600, std::string(1000, 'x')), 1000).has_value());
    QVERIFY(readOwnedFile(make("b", 0600, std::string(1001, 'x')), 1000).error().kind == ErrorKind::TooLarge);
    QVERIFY(readOwnedFile(m_root / "none", 1000).error().kind == ErrorKind::NotFound);
    QVERIFY(readOwnedFile(m_root, 1000).error().kind == ErrorKind::Unavailable);
    QVERIFY(::mkfifo((m_root / "pipe").c_str(), 0600) == 0); // nobody writes into it
    QVERIFY(readOwnedFile(m_root / "pipe", 1000).error().kind == ErrorKind::Unavailable);
    QVERIFY(readOwnedFile("/dev/zero", 1000).error().kind == ErrorKind::Unavailable);
}

void FileOwnerTest::readsSecretsThatAreClosed()
{
    for (const mode_t mode : {0600U, 0400U, 0700U})
        QVERIFY(readSecretFile(make("a", mode, "s"), 100).value() == "s" && checkSecretFile(m_root / "a").has_value());
    for (const mode_t mode : {0640U, 0604U, 0620U, 0644U, 0666U}) {
        const auto path = make("a", mode);
        QVERIFY(readSecretFile(path, 100).error().kind == ErrorKind::Forbidden);
        QCOMPARE(checkSecretFile(path).error().hint, std::string("Run chmod 600 on it: it holds a secret"));
    }
    QVERIFY(readSecretFile(make("a", 0600, std::string(101, 'x')), 100).error().kind == ErrorKind::TooLarge);
    QVERIFY(readSecretFile(m_root / "none", 100).error().kind == ErrorKind::NotFound);
}

QTEST_APPLESS_MAIN(FileOwnerTest)
#include "file_owner_test.moc"
