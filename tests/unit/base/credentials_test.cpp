// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/blocking_pool.h"
#include "core/base/credentials.h"
#include "core/base/runtime.h"

#include <sys/stat.h>

#include <QTemporaryDir>
#include <QTest>
#include <fstream>
#include <map>

using namespace portolan;

/// Secrets by reference. Programs that print one: tests/integration/base/program_test.cpp.
class CredentialsTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsReferences_data();
    void readsReferences();
    void refusesWithoutRepeating_data();
    void refusesWithoutRepeating();
    void readsVariables();
    void readsFiles();
    void asksTheKeychain();
    void checksWithoutReading();
};

namespace {

using Kind = SecretRef::Kind;

Result<Secret> resolve(const SecretRef &reference, const SecretSources &sources)
{
    Runtime runtime(1);
    BlockingPool pool("files", 1, 10);
    return runSync<Result<Secret>>(runtime.at(0), [&]() { return readSecret(reference, sources, pool); });
}

SecretSources variables(std::map<std::string, std::string> values)
{
    return {[values = std::move(values)](const std::string &name) {
                const auto found = values.find(name);
                return found == values.end() ? std::nullopt : std::optional(found->second);
            },
            {}};
}

} // namespace

void CredentialsTest::readsReferences_data()
{
    QTest::addColumn<QByteArray>("text");
    QTest::addColumn<QByteArray>("shown");
    QTest::addColumn<QStringList>("program");
    const auto row = [](const char *text, const char *shown, const QStringList &program = {}) {
        QTest::newRow(text) << QByteArray(text) << QByteArray(shown) << program;
    };
    row("env:SHOP_PASSWORD", "env:SHOP_PASSWORD");
    row("env:_x1", "env:_x1");
    row("file:/etc/shop/pw", "file:/etc/shop/pw");
    row("file:///etc/shop/pw", "file:/etc/shop/pw");
    row("file:secrets/../pw", "file:/folder/pw");
    row("keychain:shop-redis", "keychain:shop-redis");
    row("keychain:Shop Europe", "keychain:Shop Europe");
    row("command:[pass]", "command:pass", {"pass"});
    row("command: [ pass , show ,shop/redis ] ", "command:pass", {"pass", "show", "shop/redis"});
    row(R"(command:["/opt/a b", 'c, "d"', "e\"\\f", g h])", "command:/opt/a b",
        {"/opt/a b", "c, \"d\"", "e\"\\f", "g h"});
    row("command:[pass, '']", "command:pass", {"pass", ""});
    row("command:[pass,]", "command:pass", {"pass"});
}

void CredentialsTest::readsReferences()
{
    QFETCH(QByteArray, text);
    QFETCH(QByteArray, shown);
    QFETCH(QStringList, program);
    const auto reference = parseSecretRef(text.toStdString(), "/folder");
    QVERIFY2(reference.has_value(), reference ? "" : reference.error().message.c_str());
    QCOMPARE(portolan::shown(*reference), shown.toStdString());
    QStringList arguments;
    for (const auto &argument : reference->program)
        arguments << QString::fromStdString(argument);
    QCOMPARE(arguments, program);
}

void CredentialsTest::refusesWithoutRepeating_data()
{
    QTest::addColumn<QByteArray>("text");
    for (const char *text : {"hunter2",
                             "",
                             "env:",
                             "env:hunter2!",
                             "env:2hunter2",
                             "file:",
                             "file:hunter2\x01",
                             "keychain:",
                             "keychain:\thunter2",
                             "command:",
                             "command:hunter2",
                             "command:[]",
                             "command:[hunter2",
                             "command:[pass, \"hunter2]",
                             "command:[pass \"hunter2\"]",
                             "command:[pass, hun[ter2]",
                             "command:[./hunter2]",
                             "command:[-hunter2]",
                             "command:['']",
                             "Env:hunter2",
                             "http://hunter2/"})
        QTest::newRow(text) << QByteArray(text);
    QTest::newRow("65 arguments") << "command:[" + QByteArray("hunter2,").repeated(65) + "]";
    QTest::newRow("long argument") << "command:[pass,hunter2" + QByteArray(5000, 'x') + "]";
}

void CredentialsTest::refusesWithoutRepeating()
{
    QFETCH(QByteArray, text);
    const auto reference = parseSecretRef(text.toStdString(), "/folder");
    QVERIFY(reference.has_error());
    QVERIFY(reference.error().kind == ErrorKind::Invalid && !reference.error().message.empty());
    QVERIFY((reference.error().message + reference.error().hint).find("hunter2") == std::string::npos);
}

void CredentialsTest::readsVariables()
{
    const SecretRef reference{Kind::Env, "PW", {}, {}};
    QCOMPARE(std::string(resolve(reference, variables({{"PW", "s3cret"}}))->reveal()), std::string("s3cret"));
    QCOMPARE(std::string(resolve(reference, variables({{"PW", " a b \r\n"}}))->reveal()), std::string(" a b "));
    QCOMPARE(resolve(reference, variables({})).error().message, std::string("the variable PW is not set"));
    QCOMPARE(resolve(reference, variables({{"PW", ""}})).error().code, std::string("secret-missing"));
    QCOMPARE(resolve(reference, variables({{"PW", "a\tb"}})).error().code, std::string("secret-rubbish"));
    QVERIFY(resolve(reference, {}).has_error());
    QVERIFY(resolve({}, {})->empty());
}

void CredentialsTest::readsFiles()
{
    const QTemporaryDir folder;
    const std::string path = folder.filePath("pw").toStdString();
    const SecretRef reference{Kind::File, path, {}, {}};
    const auto write = [&](const std::string &text, mode_t mode = 0600) {
        std::ofstream(path) << text;
        QVERIFY(::chmod(path.c_str(), mode) == 0);
    };
    QCOMPARE(resolve(reference, {}).error().code, std::string("secret-missing"));
    write("s3cret\r\nsecond\n");
    QCOMPARE(std::string(resolve(reference, {})->reveal()), std::string("s3cret"));
    write("gr\u00fc\u00df dich");
    QCOMPARE(std::string(resolve(reference, {})->reveal()), std::string("gr\u00fc\u00df dich"));
    for (const std::string &text : {std::string("\ns3cret"), std::string(), std::string(9000, 'x'),
                                    std::string("a\0b", 3), std::string("\xff\xfe")}) {
        write(text);
        const auto read = resolve(reference, {});
        QVERIFY(read.has_error());
        QCOMPARE(read.error().code, std::string("secret-rubbish"));
        QVERIFY(read.error().message.starts_with(path));
    }
    write("s3cret", 0644);
    QCOMPARE(resolve(reference, {}).error().code, std::string("secret-open"));
    QVERIFY(resolve(reference, {}).error().message.find("s3cret") == std::string::npos);
}

void CredentialsTest::asksTheKeychain()
{
    const SecretRef reference{Kind::Keychain, "shop", {}, {}};
    QVERIFY(resolve(reference, {}).error().kind == ErrorKind::Unsupported);
    SecretSources sources;
    sources.keychain = [](std::string name) -> awaitable<Result<Secret>> { co_return Secret("of " + name); };
    QCOMPARE(std::string(resolve(reference, sources)->reveal()), std::string("of shop"));
}

void CredentialsTest::checksWithoutReading()
{
    const QTemporaryDir folder;
    const std::string path = folder.filePath("pw").toStdString();
    QVERIFY(checkSecret({}, {}).has_value());
    QVERIFY(checkSecret({Kind::Env, "PW", {}, {}}, variables({{"PW", "x"}})).has_value());
    QVERIFY(checkSecret({Kind::Env, "PW", {}, {}}, variables({})).has_error());
    QVERIFY(checkSecret({Kind::File, path, {}, {}}, {}).has_error());
    std::ofstream(path) << "x";
    QVERIFY(::chmod(path.c_str(), 0644) == 0);
    QCOMPARE(checkSecret({Kind::File, path, {}, {}}, {}).error().code, std::string("secret-open"));
    QVERIFY(::chmod(path.c_str(), 0600) == 0);
    QVERIFY(checkSecret({Kind::File, path, {}, {}}, {}).has_value());
    QVERIFY(checkSecret({Kind::Command, {}, {"sh"}, {}}, {}).has_value());
    QCOMPARE(checkSecret({Kind::Command, {}, {"no-such-program-here"}, {}}, {}).error().code,
             std::string("program-missing"));
    QVERIFY(checkSecret({Kind::Keychain, "a", {}, {}}, {}).has_error());
}

QTEST_APPLESS_MAIN(CredentialsTest)
#include "credentials_test.moc"
