// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/append_only.h"

#include <QTemporaryDir>
#include <QTest>
#include <fstream>

using namespace portolan;
using namespace portolan::redis;
namespace fs = std::filesystem;

namespace {

/// The directory of an embedded Redis as one that ran and stopped has left it.
class Left
{
public:
    Left()
    {
        fs::create_directories(aof());
        write("appendonly.aof.1.base.rdb", "REDIS0010base");
        write("appendonly.aof.1.incr.aof", command("SET", "a") + command("SET", "b"));
        write("appendonly.aof.manifest",
              "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n");
        files.note(AppendOnly::Left::InOrder);
    }
    static std::string command(const std::string &name, const std::string &key)
    {
        return "*3\r\n$3\r\n" + name + "\r\n$1\r\n" + key + "\r\n$1\r\n1\r\n";
    }
    fs::path path() const { return directory.path().toStdString(); }
    fs::path aof() const { return path() / "appendonlydir"; }
    void write(const char *name, const std::string &text) const
    {
        std::ofstream(aof() / name, std::ios::binary) << text;
    }
    std::string read(const fs::path &file) const
    {
        std::ifstream stream(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }

    QTemporaryDir directory;
    AppendOnly files{path()};
};

} // namespace

class AppendOnlyTest final : public QObject
{
    Q_OBJECT

private slots:
    void takesWhatWasLeft()
    {
        const Left left;
        QVERIFY(left.files.check().has_value());
        left.write("appendonly.aof.1.incr.aof",
                   Left::command("SET", "a") + Left::command("SET", "b") + Left::command("SET", "c"));
        QVERIFY(left.files.check().has_value());
        left.write("temp-rewriteaof-123.aof", "half a rewrite");
        left.write("appendonly.aof.2.base.rdb", "a base whose manifest was not written any more");
        QVERIFY(left.files.check().has_value());
    }

    void takesANewDirectory()
    {
        const QTemporaryDir empty;
        const AppendOnly files(empty.path().toStdString());
        QVERIFY(files.check().has_value());
        files.note(AppendOnly::Left::InOrder);
        QVERIFY(files.check().has_value());
        QVERIFY(AppendOnly(empty.path().toStdString() + "/not/made").check().has_value());
    }

    void takesWhatACrashLeft()
    {
        const Left left;
        left.files.note(AppendOnly::Left::Running);
        left.write("appendonly.aof.1.incr.aof", Left::command("SET", "a"));
        QVERIFY(left.files.check().has_value());
        left.write("appendonly.aof.2.base.rdb", "REDIS0010more"); // a rewrite of which nothing was noted
        left.write("appendonly.aof.2.incr.aof", "");
        left.write("appendonly.aof.manifest",
                   "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n");
        QVERIFY(left.files.check().has_value());
        left.write("appendonly.aof.3.incr.aof", ""); // made, and not named any more
        QVERIFY(left.files.check().has_value());
    }

    void takesOverTheNoteOfBefore()
    {
        const Left left; // its note lies in the directory
        const QTemporaryDir outside;
        const fs::path note = outside.path().toStdString() + "/redis.note";
        const AppendOnly files(left.path(), note);
        QVERIFY(files.check().has_value());
        left.write("appendonly.aof.1.incr.aof", "");
        QVERIFY(files.check().has_error());
        left.write("appendonly.aof.1.incr.aof", Left::command("SET", "a"));
        files.note(AppendOnly::Left::InOrder);
        QVERIFY(fs::exists(note) && !fs::exists(left.path() / "appendonly.note"));
        QVERIFY(files.check().has_value());
        fs::remove_all(left.path());
        QVERIFY(files.check().has_error());
        fs::create_directories(left.path());
        QVERIFY(files.check().has_error());
        QVERIFY(files.startEmpty().has_value());
        QVERIFY(files.check().has_value());
    }

    void stopsWhereSomethingLiesInItsPlace_data()
    {
        QTest::addColumn<bool>("whole");
        QTest::newRow("of the directory") << true;
        QTest::newRow("of the folder") << false;
    }
    void stopsWhereSomethingLiesInItsPlace()
    {
        QFETCH(bool, whole);
        const QTemporaryDir parent;
        const fs::path directory = parent.path().toStdString() + "/redis";
        const fs::path place = whole ? directory : directory / "appendonlydir";
        fs::create_directories(place.parent_path());
        std::ofstream(place) << "no directory";
        const AppendOnly files(directory, parent.path().toStdString() + "/redis.note");
        QCOMPARE(files.check().error().code, std::string("redis-corrupt"));
        QVERIFY(files.mend("true").has_error());
        QVERIFY(fs::exists(place));
        const auto emptied = files.startEmpty();
        QVERIFY(emptied.has_value() && fs::is_regular_file(emptied->copy));
        QVERIFY(files.check().has_value());
    }

    void sayWhatIsLost()
    {
        const Left left;
        left.write("appendonly.aof.1.incr.aof", Left::command("SET", "a"));
        left.write("appendonly.aof.1.base.rdb", "REDIS0010othr");
        QVERIFY(left.files.check().has_error());
        const auto mended = left.files.mend("true");
        QVERIFY2(mended.has_value(), mended ? "" : mended.error().message.c_str());
        std::string words;
        for (const std::string &sentence : mended->words)
            words += sentence + ' ';
        QVERIFY2(words.find("27 of 54 bytes of appendonly.aof.1.incr.aof are gone") != std::string::npos &&
                     words.find("appendonly.aof.1.base.rdb is not the one that was left") != std::string::npos,
                 words.c_str());
        QVERIFY(left.files.check().has_value());
    }

    void stopsWhereSomethingIsGone_data()
    {
        QTest::addColumn<QByteArray>("what");
        for (const char *what : {"manifest", "empty manifest", "no manifest", "base", "incr", "incr without base",
                                 "emptied incr", "cut incr", "emptied base", "another base", "longer base",
                                 "unnamed incr", "files", "files, empty note", "files, damaged note", "folder"})
            QTest::newRow(what) << QByteArray(what);
    }
    void stopsWhereSomethingIsGone()
    {
        QFETCH(QByteArray, what);
        const Left left;
        if (what == "manifest")
            fs::remove(left.aof() / "appendonly.aof.manifest");
        else if (what == "empty manifest")
            left.write("appendonly.aof.manifest", "");
        else if (what == "no manifest")
            left.write("appendonly.aof.manifest", "this is none\n");
        else if (what == "base")
            fs::remove(left.aof() / "appendonly.aof.1.base.rdb");
        else if (what == "incr")
            fs::remove(left.aof() / "appendonly.aof.1.incr.aof");
        else if (what == "incr without base")
            left.write("appendonly.aof.manifest", "file appendonly.aof.1.incr.aof seq 1 type i\n");
        else if (what == "emptied incr")
            left.write("appendonly.aof.1.incr.aof", "");
        else if (what == "cut incr") // between two commands: Redis finds nothing wrong
            left.write("appendonly.aof.1.incr.aof", Left::command("SET", "a"));
        else if (what == "emptied base")
            left.write("appendonly.aof.1.base.rdb", "");
        else if (what == "another base")
            left.write("appendonly.aof.1.base.rdb", "REDIS0010othr");
        else if (what == "longer base")
            left.write("appendonly.aof.1.base.rdb", "REDIS0010longer");
        else if (what == "unnamed incr")
            left.write("appendonly.aof.manifest", "file appendonly.aof.1.base.rdb seq 1 type b\n");
        else if (what.startsWith("files")) {
            if (what.endsWith("note"))
                std::ofstream(left.path() / "appendonly.note") << (what.contains("empty") ? "" : "\x01\x02 no note");
            for (const auto &entry : fs::directory_iterator(left.aof()))
                fs::remove(entry.path());
        } else
            fs::remove_all(left.aof());
        const auto checked = left.files.check();
        QVERIFY(checked.has_error());
        QCOMPARE(checked.error().code, std::string("redis-corrupt"));
        QVERIFY(checked.error().message.find(left.path().string()) != std::string::npos);
        QVERIFY(AppendOnly(left.path()).startEmpty().has_value());
        QVERIFY(left.files.check().has_value());
    }

    void writesALostManifestAnew()
    {
        const Left left;
        fs::remove(left.aof() / "appendonly.aof.manifest");
        // redis-check-aof is asked about each file; here it finds nothing wrong.
        const auto mended = left.files.mend("true");
        QVERIFY2(mended.has_value(), mended ? "" : mended.error().message.c_str());
        QCOMPARE(left.read(left.aof() / "appendonly.aof.manifest"),
                 std::string("file appendonly.aof.1.base.rdb seq 1 type b\n"
                             "file appendonly.aof.1.incr.aof seq 1 type i\n"));
        QVERIFY(left.files.check().has_value());
        QVERIFY(fs::exists(mended->copy / "appendonly.aof.1.base.rdb"));
        QVERIFY(!fs::exists(mended->copy / "appendonly.aof.manifest"));
    }

    void cutsOffWhatIsDamaged()
    {
        const Left left;
        const std::string whole = Left::command("SET", "a");
        left.write("appendonly.aof.1.incr.aof", whole + "*3\r\n$3\r\nSgarbage");
        left.write("appendonly.aof.1.base.rdb", ""); // nothing in it, so nothing wrong with it
        const auto mended = left.files.mend();
        QVERIFY2(mended.has_value(), mended ? "" : mended.error().message.c_str());
        QCOMPARE(left.read(left.aof() / "appendonly.aof.1.incr.aof"), whole);
        QVERIFY(left.read(mended->copy / "appendonly.aof.1.incr.aof").ends_with("garbage"));
    }

    void leavesAloneWhatIsWhole()
    {
        const Left left;
        const auto mended = left.files.mend("true");
        QVERIFY2(mended.has_value(), mended ? "" : mended.error().message.c_str());
        QVERIFY(mended->copy.empty());
        QVERIFY(mended->words.size() == 1 && mended->words.front().ends_with("are whole: nothing was changed."));
    }

    void saysWhatCannotBeMended()
    {
        const Left left; // its base is no RDB file
        const auto entries = std::distance(fs::directory_iterator(left.aof().parent_path()), {});
        const auto mended = left.files.mend();
        QVERIFY(mended.has_error());
        QCOMPARE(mended.error().code, std::string("redis-corrupt"));
        QVERIFY(mended.error().hint.find("start empty") != std::string::npos);
        QCOMPARE(std::distance(fs::directory_iterator(left.aof().parent_path()), {}), entries);
        QCOMPARE(left.read(left.aof() / "appendonly.aof.1.base.rdb"), std::string("REDIS0010base"));
    }

    void keepsACopyOfWhatItStartsWithout()
    {
        const Left left;
        const auto first = left.files.startEmpty();
        QVERIFY(first.has_value() && fs::exists(first->copy / "appendonly.aof.1.incr.aof"));
        fs::create_directories(left.aof());
        const auto second = left.files.startEmpty();
        QVERIFY(second.has_value() && second->copy != first->copy);
    }
};

QTEST_GUILESS_MAIN(AppendOnlyTest)
#include "append_only_test.moc"
