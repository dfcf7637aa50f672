#include "core/auth/passwords.h"
#include "core/base/runtime.h"

#include <QTest>
#include <future>

using namespace portolan;
using namespace portolan::auth;

namespace {

PasswordOptions cheap() { return {1, 8192 * 8, 1, 4}; }

} // namespace

class PasswordsTest final : public QObject
{
    Q_OBJECT
private slots:
    void checks_data();
    void checks();
    void verifiesWhatItHashed();
    void takesAsLongForNobody();
    void hashesAgainWhenTheParametersChange();
    void boundsAStorm();
};

void PasswordsTest::checks_data()
{
    QTest::addColumn<QString>("password");
    QTest::addColumn<QString>("detail");
    QTest::newRow("good") << "correct horse battery"
                          << "";
    QTest::newRow("eight") << "abcd1234"
                           << "";
    QTest::newRow("eight code points") << QString::fromUtf8("пароль12") << "";
    QTest::newRow("seven") << "abcd123"
                           << "has fewer than 8 characters";
    QTest::newRow("seven, more bytes") << QString::fromUtf8("парольё") << "has fewer than 8 characters";
    QTest::newRow("empty") << ""
                           << "has fewer than 8 characters";
    QTest::newRow("128") << QString(64, 'x') + QString(64, 'y') << "";
    QTest::newRow("129") << QString(65, 'x') + QString(64, 'y') << "has more than 128 characters";
    QTest::newRow("address") << "Somebody@Example.org"
                             << "is the address itself, or its first part";
    QTest::newRow("local part") << "SOMEBODY"
                                << "is the address itself, or its first part";
    QTest::newRow("one character") << "aaaaaaaaaaaa"
                                   << "is one character again and again";
}

void PasswordsTest::checks()
{
    QFETCH(QString, password);
    QFETCH(QString, detail);
    const auto checked = checkPassword(password.toStdString(), "somebody@example.org");
    QCOMPARE(checked ? QString() : QString::fromStdString(checked.error().fields.at(0).detail), detail);
    if (!checked)
        QCOMPARE(checked.error().fields.at(0).pointer, std::string("/password"));
}

void PasswordsTest::verifiesWhatItHashed()
{
    Runtime runtime(1);
    Passwords passwords; // as in production
    const auto verdict = [&](std::string_view password, const std::string &stored) {
        return *runSync<Result<Passwords::Verdict>>(runtime.at(0), [&]() -> awaitable<Result<Passwords::Verdict>> {
            co_return co_await passwords.verify(Secret(password), stored);
        });
    };
    const auto hash = *runSync<Result<std::string>>(runtime.at(0), [&]() -> awaitable<Result<std::string>> {
        co_return co_await passwords.hash(Secret("correct horse"));
    });
    QVERIFY(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    QVERIFY(verdict("correct horse", hash).right);
    QVERIFY(!verdict("correct horse", hash).outdated);
    QVERIFY(!verdict("correct horsf", hash).right);
    QVERIFY(!verdict("", hash).right);
    QVERIFY(!verdict("correct horse", "").right);
    QVERIFY(!verdict("correct horse", "no hash at all").right);
    QVERIFY(*passwords.hashBlocking(Secret("correct horse")) != hash); // salted
}

void PasswordsTest::takesAsLongForNobody()
{
    Runtime runtime(1);
    Passwords passwords;
    const auto stored = *passwords.hashBlocking(Secret("correct horse"));
    const auto took = [&](const std::string &hash) {
        // CPU time of the whole process: a busy machine makes wall time worthless here.
        const auto start = std::clock();
        for (int i = 0; i < 4; ++i)
            runSync<Result<Passwords::Verdict>>(runtime.at(0), [&]() -> awaitable<Result<Passwords::Verdict>> {
                co_return co_await passwords.verify(Secret("wrong password"), hash);
            });
        return double(std::clock() - start);
    };
    took(stored);
    const double somebody = took(stored);
    const double nobody = took("");
    QVERIFY2(nobody > 0.5 * somebody && nobody < 2 * somebody, qPrintable(QString("%1 %2").arg(somebody).arg(nobody)));
}

void PasswordsTest::hashesAgainWhenTheParametersChange()
{
    Runtime runtime(1);
    Passwords old(cheap());
    Passwords now({2, 8192 * 16, 1, 4});
    const auto hash = *old.hashBlocking(Secret("correct horse"));
    const auto verdict =
        *runSync<Result<Passwords::Verdict>>(runtime.at(0), [&]() -> awaitable<Result<Passwords::Verdict>> {
            co_return co_await now.verify(Secret("correct horse"), hash);
        });
    QVERIFY(verdict.right);
    QVERIFY(verdict.outdated);
}

void PasswordsTest::boundsAStorm()
{
    Runtime runtime(1);
    Passwords passwords({2, 19 * 1024 * 1024, 1, 3});
    std::vector<std::future<Result<std::string>>> all;
    for (int i = 0; i < 20; ++i)
        all.push_back(
            asio::co_spawn(runtime.at(0), passwords.hash(Secret("password " + std::to_string(i))), asio::use_future));
    int hashed = 0, refused = 0;
    for (auto &one : all) {
        const auto result = one.get();
        if (result)
            ++hashed;
        else if (result.error().kind == ErrorKind::Unavailable)
            ++refused;
    }
    QCOMPARE(hashed + refused, 20);
    QVERIFY(hashed >= 3);
    QVERIFY(refused >= 10);
}

QTEST_GUILESS_MAIN(PasswordsTest)
#include "passwords_test.moc"
