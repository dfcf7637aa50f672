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
        files.note();
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
        left.write("appendonly.aof.1.incr.aof", Left::command("SET", "a")); // a tail that a crash took
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
        files.note();
        QVERIFY(files.check().has_value());
        QVERIFY(AppendOnly(empty.path().toStdString() + "/not/made").check().has_value());
    }

    void stopsWhereSomethingIsGone_data()
    {
        QTest::addColumn<QByteArray>("what");
        for (const char *what : {"manifest", "empty manifest", "no manifest", "base", "incr", "incr without base",
                                 "emptied incr", "files", "folder"})
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
        else if (what == "files")
            for (const auto &entry : fs::directory_iterator(left.aof()))
                fs::remove(entry.path());
        else
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

    void saysWhatCannotBeMended()
    {
        const Left left; // its base is no RDB file
        const auto mended = left.files.mend();
        QVERIFY(mended.has_error());
        QCOMPARE(mended.error().code, std::string("redis-corrupt"));
        QVERIFY(mended.error().hint.find("start empty") != std::string::npos);
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
