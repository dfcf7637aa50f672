// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/email.h"

#include <QTest>

using namespace portolan;
using namespace portolan::storage;

/// Addresses as identities.
class EmailTest final : public QObject
{
    Q_OBJECT
private slots:
    void isOneForEachSpelling_data();
    void isOneForEachSpelling();
    void refusesWhatCannotBeSeen_data();
    void refusesWhatCannotBeSeen();
    void refusesNewOnesThatLookLikeOthers_data();
    void refusesNewOnesThatLookLikeOthers();
    void refusesNewOnesOfForeignCharacters_data();
    void refusesNewOnesOfForeignCharacters();
    void marksOnesThatAreThere();
    void refusesNewOnesThatNoServerTakes_data();
    void refusesNewOnesThatNoServerTakes();
    void findsWhatIsTyped_data();
    void findsWhatIsTyped();
};

void EmailTest::isOneForEachSpelling_data()
{
    QTest::addColumn<QByteArray>("typed");
    QTest::addColumn<QByteArray>("stored");
    const auto row = [](const char *name, const char *typed, const char *stored) {
        QTest::newRow(name) << QByteArray(typed) << QByteArray(stored);
    };
    row("plain", "admin@x.org", "admin@x.org");
    row("case and blanks", " Admin@X.Org\r\n", "admin@x.org");
    row("full-width letters", "\uff41dmin@x.org", "admin@x.org");
    row("full-width at", "admin\uff20x.org", "admin@x.org");
    row("ideographic full stop", "admin@x\u3002org", "admin@x.org");
    row("full-width dot", "admin@x\uff0eorg", "admin@x.org");
    row("mathematical letters", "\U0001d41adm\U0001d422n@x.org", "admin@x.org");
    row("ligature", "\ufb01ne@x.org", "fine@x.org");
    row("circled", "\u24d0dmin@x.org", "admin@x.org");
    row("Unicode domain", "u@b\u00fccher.example", "u@b\u00fccher.example");
    row("Unicode domain, apart", "u@bu\u0308cher.example", "u@b\u00fccher.example");
    row("punycode domain", "u@xn--bcher-kva.example", "u@b\u00fccher.example");
    row("punycode in capitals", "u@XN--BCHER-KVA.EXAMPLE", "u@b\u00fccher.example");
    row("sharp s in a domain", "u@fa\u00df.de", "u@fa\u00df.de");
    row("local part apart", "ju\u0308rgen@x.org", "j\u00fcrgen@x.org");
    row("Cyrillic", "\u0418\u0432\u0430\u043d@x.org", "\u0438\u0432\u0430\u043d@x.org");
    row("odd ASCII", "o'brien/?x{--}@example.com", "o'brien/?x{--}@example.com");
    row("hyphens in a host", "u@r3---sn.example", "u@r3---sn.example");
    row("Catalan domain", "u@paral\u00b7lel.cat", "u@paral\u00b7lel.cat");
    row("Japanese domain", "u@\u30c6\u30b9\u30c8.jp", "u@\u30c6\u30b9\u30c8.jp");
}

void EmailTest::isOneForEachSpelling()
{
    QFETCH(QByteArray, typed);
    QFETCH(QByteArray, stored);
    const auto normal = normalizeEmail(typed.toStdString());
    QVERIFY2(normal.has_value(), normal.has_error() ? normal.error().fields.at(0).detail.c_str() : "");
    QCOMPARE(QByteArray::fromStdString(*normal), stored);
    QCOMPARE(QByteArray::fromStdString(*normalizeEmail(*normal)), stored); // stays
    QVERIFY(checkNewEmail(*normal).has_value());
}

void EmailTest::refusesWhatCannotBeSeen_data()
{
    QTest::addColumn<QByteArray>("typed");
    for (const char *typed :
         {"admin\u200b@x.org",       "admin\u00ad@x.org", "\u202egro.x@nimda", "ad\u2060min@x.org", "admin@x\u200b.org",
          "ad\ufe0fmin@x.org",       "ad\u034fmin@x.org", "\u3164admin@x.org", "\u2800admin@x.org", "ad\u00a0min@x.org",
          "ad\U000e0061min@x.org",   "ad\ue000min@x.org", "ad\u0378min@x.org", "admin@\u2066x.org", "ad\u180bmin@x.org",
          "\ufeff\u200eadmin@x.org", "admin@xn--a.org",   "admin@x..org",      "admin@x\u3002",     "a@b@c.org"})
        QTest::newRow(typed) << QByteArray(typed);
}

void EmailTest::refusesWhatCannotBeSeen()
{
    QFETCH(QByteArray, typed);
    const auto refused = normalizeEmail(typed.toStdString());
    QVERIFY2(refused.has_error(), refused.has_error() ? "" : refused->c_str());
    QCOMPARE(refused.error().fields.at(0).pointer, std::string("/email"));
}

void EmailTest::refusesNewOnesThatLookLikeOthers_data()
{
    QTest::addColumn<QByteArray>("typed");
    QTest::addColumn<bool>("refused");
    const auto row = [](const char *typed, bool refused) { QTest::newRow(typed) << QByteArray(typed) << refused; };
    row("\u0430dmin@x.org", true);                      // Cyrillic a
    row("adm\u0131n@x.org", true);                      // dotless i
    row("\u0455\u0443\u0455@x.org", true);              // all Cyrillic, all look Latin
    row("p\u03bfrtal@x.org", true);                     // Greek omicron
    row("admin\u0661@x.org", true);                     // Arabic digit
    row("admi\u0307n@x.org", true);                     // the dot is there already
    row("adm\u0130n@x.org", true);                      // in small letters it is the same
    row("adm\u0131\u0307n@x.org", true);                // dotless i, and a dot
    row("j\u0307on@x.org", true);                       // as of i
    row("jon\u0237\u0307@x.org", true);                 // dotless j, and a dot
    row("al\u0307an@x.org", true);                      // upon an l
    row("adm\u0456\u0307n@x.org", true);                // Cyrillic i
    row("z\u00f6\u0308e@x.org", true);                  // two marks in one place
    row("t\u0335om@x.org", true);                       // a stroke upon a stroke
    row("ad\u0332min@x.org", true);                     // a line under what is underlined
    row("ad\u20ddmin@x.org", true);                     // a circle
    row("\u0438\u0432\u0430\u043d@x.org", false);       // plain Cyrillic
    row("kj\u00e6r@x.org", false);                      // Danish
    row("j\u00fcrgen.wei\u00df@x.org", false);          // German
    row("\u0141ukasz@x.org", false);                    // Polish
    row("\u5f20\u4e09@x.org", false);                   // Chinese
    row("\u5c71\u7530\u592a\u90ce.tokyo@x.org", false); // Japanese with Latin
    row("\u0645\u062d\u0645\u062f@x.org", false);       // Arabic
    row("\u0131\u015f\u0131k@x.org", false);            // Turkish
    row("ng\u1ecdc.tr\u1ea7n@x.org", false);            // Vietnamese, with dots below
    row("\u0930\u093e\u092e@x.org", false);             // Hindi, with a vowel sign
    row("\u017e\u0117bi\u0173@x.org", false);           // Lithuanian
}

void EmailTest::refusesNewOnesThatLookLikeOthers()
{
    QFETCH(QByteArray, typed);
    QFETCH(bool, refused);
    const auto normal = normalizeEmail(typed.toStdString());
    QVERIFY(normal.has_value()); // one that is there can still sign in
    QCOMPARE(checkNewEmail(*normal).has_error(), refused);
    QCOMPARE(isDeceptiveEmail(*normal), refused);
}

void EmailTest::refusesNewOnesOfForeignCharacters_data()
{
    QTest::addColumn<QByteArray>("typed");
    for (const char *typed : {"\"q@x.org\"",
                              "\u201cq@x.org\u201d",
                              "\u00abq@x.org\u00bb",
                              "'q@x.org'",
                              "<admin@x.org>",
                              "<admin@x.org",
                              "admin@x.org>",
                              "mailto:admin@x.org",
                              "admin(x)@x.org",
                              "admin@x.org(x)",
                              "\"admin\"@x.org",
                              "[admin]@x.org",
                              "admin@[1.2.3.4]",
                              "admin@x.org;",
                              "admin;@x.org",
                              "admin,b@x.org",
                              "admin@x.org,",
                              "ad\\min@x.org",
                              "\u2018admin\u2019@x.org",
                              "admin\u2019s@x.org",
                              "ad\u2010min@x.org",
                              "admin@x\u2019s.org",
                              "admin@x_y.org",
                              "admin@-x.org",
                              "admin@x-.org",
                              "admin@x!.org",
                              "admin@x/y.org",
                              "admin@x.org:25",
                              "admin@\u2603.org",
                              "\u2603@x.org",
                              "\uff1cadmin\uff1e@x.org",
                              "\uff02admin\uff02@x.org",
                              "admin@x%y.org",
                              "\u02b9admin@x.org"})
        QTest::newRow(typed) << QByteArray(typed);
}

void EmailTest::refusesNewOnesOfForeignCharacters()
{
    QFETCH(QByteArray, typed);
    const auto refused = newEmail(typed.toStdString());
    QVERIFY2(refused.has_error(), refused.has_error() ? "" : refused->c_str());
    QCOMPARE(refused.error().fields.at(0).pointer, std::string("/email"));
    QVERIFY(isDeceptiveEmail(typed.toStdString()));
}

void EmailTest::refusesNewOnesThatNoServerTakes_data()
{
    QTest::addColumn<QByteArray>("local");
    QTest::addColumn<bool>("refused");
    QTest::newRow("64 bytes") << QByteArray(64, 'a') << false;
    QTest::newRow("65 bytes") << QByteArray(65, 'a') << true;
    QTest::newRow("64 bytes of letters of two") << QByteArray("\u00fc").repeated(32) << false;
    QTest::newRow("66 bytes of letters of two") << QByteArray("\u00fc").repeated(33) << true;
    QTest::newRow("dots within") << QByteArray("a.b.c") << false;
    QTest::newRow("a dot first") << QByteArray(".a") << true;
    QTest::newRow("a dot last") << QByteArray("a.") << true;
    QTest::newRow("two dots") << QByteArray("a..b") << true;
    QTest::newRow("nothing but a dot") << QByteArray(".") << true;
    QTest::newRow("two dots of another width") << QByteArray("a\u2025b") << true;
    QTest::newRow("a mark within") << QByteArray("x\u0308a") << false;
    QTest::newRow("a mark first") << QByteArray("\u0301a") << true;
    QTest::newRow("a vowel sign first") << QByteArray("\u093f\u0915") << true;
}

void EmailTest::refusesNewOnesThatNoServerTakes()
{
    QFETCH(QByteArray, local);
    QFETCH(bool, refused);
    const auto email = newEmail(local.toStdString() + "@x.org");
    QCOMPARE(email.has_error(), refused);
    if (refused)
        QCOMPARE(email.error().fields.at(0).pointer, std::string("/email"));
    QVERIFY(normalizeEmail(local.toStdString() + "@x.org").has_value()); // who has it signs in as ever
}

void EmailTest::marksOnesThatAreThere()
{
    for (const char *email : {"admin\u200b@x.org", "\uff41dmin@x.org", "\u202egro.x@nimda", "u@xn--bcher-kva.example",
                              "a@\u0430pple.com", "admin\x1b[31m@x.org", "admin@\u0445.org", "a@\u0441\u0430\u0441.com",
                              "a@www.\u0441\u0430\u0441.com", "a@exi\u0307le.org"})
        QVERIFY2(isDeceptiveEmail(email), email);
    for (const char *email :
         {"admin@x.org", "u@b\u00fccher.example", "a@\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444",
          "a@\u043f\u0440\u0438\u043c\u0435\u0440.com", "o'brien+tag@mail.x-y.org", "a#b@x.org"})
        QVERIFY2(!isDeceptiveEmail(email), email);
}

void EmailTest::findsWhatIsTyped_data()
{
    QTest::addColumn<QByteArray>("typed");
    QTest::addColumn<QByteArray>("searched");
    const auto row = [](const char *typed, const char *searched) {
        QTest::newRow(typed) << QByteArray(typed) << QByteArray(searched);
    };
    row("", "");
    row(" Admin ", "admin");
    row("\uff41dmin", "admin");
    row("u@xn--bcher-kva.example", "u@b\u00fccher.example");
    row("xn--bcher-kva", "b\u00fccher");
    row("XN--BCHER-KVA.EX", "b\u00fccher.ex");
    row("@xn--bcher-kva.", "@b\u00fccher.");
    row("u@xn--bcher-kv", "u@xn--bcher-kv"); // not yet whole
    row("admin@x\u3002org", "admin@x.org");
    row("x\uff61org", "x.org");
    row("x\uff0eorg", "x.org");
    row("bu\u0308cher", "b\u00fccher");
    row("o'brien%_", "o'brien%_");
    row("a@b@c", "a@b@c");
}

void EmailTest::findsWhatIsTyped()
{
    QFETCH(QByteArray, typed);
    QFETCH(QByteArray, searched);
    QCOMPARE(QByteArray::fromStdString(foldEmailSearch(typed.toStdString())), searched);
}

QTEST_GUILESS_MAIN(EmailTest)
#include "email_test.moc"
