// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/auth/passwords.h"
#include "core/base/runtime.h"

#include <sodium.h>

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
    void refusesWhatIsNoText_data();
    void refusesWhatIsNoText();
    void verifiesWhatItHashed();
    void knowsEveryFormOfAPassword_data();
    void knowsEveryFormOfAPassword();
    void takesAsLongForNobody();
    void hashesAgainWhenTheParametersChange();
    void boundsAStorm();
};

void PasswordsTest::checks_data()
{
    QTest::addColumn<QString>("password");
    QTest::addColumn<QString>("detail");
    const QString guessed = "is among the first that are guessed; take a longer one, of several words for example";
    QTest::newRow("good") << "correct horse battery"
                          << "";
    QTest::newRow("eight") << "kx83mdq1"
                           << "";
    QTest::newRow("eight code points") << QString::fromUtf8("пароль12") << "";
    QTest::newRow("seven") << "abcd123"
                           << "has fewer than 8 characters";
    QTest::newRow("seven, more bytes") << QString::fromUtf8("парольё") << "has fewer than 8 characters";
    QTest::newRow("empty") << ""
                           << "has fewer than 8 characters";
    QTest::newRow("128") << QString("correct horse battery ").repeated(6).left(128) << "";
    QTest::newRow("129") << QString(65, 'x') + QString(64, 'y') << "has more than 128 characters";
    QTest::newRow("address") << "Somebody@Example.org"
                             << "is the address itself, or its first part";
    QTest::newRow("local part") << "SOMEBODY"
                                << "is the address itself, or its first part";
    QTest::newRow("one character") << "aaaaaaaaaaaa"
                                   << "is one character again and again";
    for (const char *common : {"password", "12345678", "Passw0rd", "P@ssw0rd!", "qwertyuiop", "abcd1234", "iloveyou1",
                               "letmein123", "Somebody1!", "example.org1", "portolan1", "11223344", "qwerty123456"})
        QTest::newRow(common) << common << guessed;
    for (const char16_t unseen :
         {u'\u200b', u'\ufeff', u'\u00ad', u'\u3164', u'\u2800', u'\u034f', u'\ufe0f', u'\u2062', u'\ue000'}) {
        const QString eight(8, QChar(unseen));
        QTest::addRow("only U+%04x", unseen) << eight << "has fewer than 8 characters";
        QTest::addRow("seven and U+%04x", unseen) << "kx83mdq" + eight << "has fewer than 8 characters";
        QTest::addRow("eight and U+%04x", unseen) << "kx83mdq1" + eight << "";
        QTest::addRow("one, again and again, and U+%04x", unseen)
            << "aaaaaaaa" + eight << "is one character again and again";
    }
    QTest::newRow("blanks of two kinds") << QString::fromUtf8("    \u00a0\u2003\u3000     ")
                                         << "is one character again and again";
    QTest::newRow("pictures") << QString::fromUtf8("👩‍🚀🚲🍋🐙🌵🎻🧭🪁") << "";
    QTest::newRow("composed counts as one") << QString::fromUtf8("pa\u0308sswo\u0308") << "has fewer than 8 characters";
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

void PasswordsTest::refusesWhatIsNoText_data()
{
    QTest::addColumn<QByteArray>("password");
    QTest::addColumn<QByteArray>("says");
    QTest::newRow("Latin-1") << QByteArray("p\xe4ssw\xf6rter lang") << QByteArray("must be UTF-8");
    QTest::newRow("Windows-1252") << QByteArray("correct \x96 horse") << QByteArray("must be UTF-8");
    QTest::newRow("UTF-16 with its mark") << QByteArray("\xff\xfe"
                                                        "k\0x\08\0003\0m\0d\0q\0001\0",
                                                        18)
                                          << QByteArray("must be UTF-8");
    QTest::newRow("UTF-16") << QByteArray("k\0x\0m\0d\0q\0r\0t\0w\0", 16) << QByteArray("must be UTF-8");
    QTest::newRow("overlong") << QByteArray("correct\xc0\xa0horse") << QByteArray("must be UTF-8");
    QTest::newRow("tab") << QByteArray("correct\thorse battery") << QByteArray("a control character");
    QTest::newRow("escape") << QByteArray("correct\x1b[Dhorse") << QByteArray("a control character");
}

void PasswordsTest::refusesWhatIsNoText()
{
    QFETCH(QByteArray, password);
    QFETCH(QByteArray, says);
    const auto checked = checkPassword(password.toStdString(), "somebody@example.org");
    QVERIFY(checked.has_error());
    QVERIFY2(checked.error().fields.at(0).detail.find(says.toStdString()) != std::string::npos,
             checked.error().fields.at(0).detail.c_str());
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

void PasswordsTest::knowsEveryFormOfAPassword_data()
{
    QTest::addColumn<QByteArray>("first");
    QTest::addColumn<QByteArray>("second");
    QTest::newRow("composed, apart") << QByteArray("p\u00e4ssw\u00f6rter") << QByteArray("pa\u0308sswo\u0308rter");
    QTest::newRow("blanks") << QByteArray("two words\u00a0long") << QByteArray("two\u00a0words long");
    QTest::newRow("a blank of no width") << QByteArray("kx83mdq1") << QByteArray("kx83\u200bmdq1");
    QTest::newRow("a mark of the byte order") << QByteArray("kx83mdq\u00e4") << QByteArray("\ufeffkx83mdq\u00e4");
    QTest::newRow("how a picture is drawn") << QByteArray("heart \u2764 1") << QByteArray("heart \u2764\ufe0f 1");
    QTest::newRow("beyond 16 bits") << QByteArray("kx83mdq1") << QByteArray("kx83mdq1\U000e0101");
    QTest::newRow("Hangul") << QByteArray("\ud55c\uae00 \ube44\ubc00")
                            << QByteArray("\u1112\u1161\u11ab\u1100\u1173\u11af "
                                          "\u1107\u1175\u1106\u1175\u11af");
}

void PasswordsTest::knowsEveryFormOfAPassword()
{
    QFETCH(QByteArray, first);
    QFETCH(QByteArray, second);
    Runtime runtime(1);
    Passwords passwords(cheap());
    const auto verdict = [&](const QByteArray &password, const std::string &stored) {
        return *runSync<Result<Passwords::Verdict>>(runtime.at(0), [&]() -> awaitable<Result<Passwords::Verdict>> {
            co_return co_await passwords.verify(Secret(password.toStdString()), stored);
        });
    };
    for (const QByteArray &made : {first, second}) {
        const auto hash = *passwords.hashBlocking(Secret(made.toStdString()));
        for (const QByteArray &typed : {first, second}) {
            QVERIFY(verdict(typed, hash).right);
            QVERIFY(!verdict(typed, hash).outdated);
        }
        QVERIFY(!verdict(first + "x", hash).right);
    }
    // As older versions made them: of the bytes that came.
    for (const QByteArray &made : {first, second}) {
        char old[crypto_pwhash_STRBYTES];
        QCOMPARE(crypto_pwhash_str(old, made.constData(), static_cast<unsigned long long>(made.size()), 1, 8192 * 8),
                 0);
        QVERIFY(verdict(made, old).right);
        QCOMPARE(verdict(made, old).outdated, passwordForm(Secret(made.toStdString())).reveal() != made.toStdString());
    }
    QVERIFY(!verdict("\xff\xfe no text", *passwords.hashBlocking(Secret("other"))).right);
    QVERIFY(verdict("\xff\xfe no text", *passwords.hashBlocking(Secret("\xff\xfe no text"))).right);
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
