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
    void marksOnesThatAreThere();
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
    row("odd ASCII", "o'brien\\?x;--@example.com", "o'brien\\?x;--@example.com");
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
    row("\u0438\u0432\u0430\u043d@x.org", false);       // plain Cyrillic
    row("kj\u00e6r@x.org", false);                      // Danish
    row("j\u00fcrgen.wei\u00df@x.org", false);          // German
    row("\u0141ukasz@x.org", false);                    // Polish
    row("\u5f20\u4e09@x.org", false);                   // Chinese
    row("\u5c71\u7530\u592a\u90ce.tokyo@x.org", false); // Japanese with Latin
    row("\u0645\u062d\u0645\u062f@x.org", false);       // Arabic
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

void EmailTest::marksOnesThatAreThere()
{
    for (const char *email : {"admin\u200b@x.org", "\uff41dmin@x.org", "\u202egro.x@nimda", "u@xn--bcher-kva.example",
                              "a@\u0430pple.com", "admin\x1b[31m@x.org"})
        QVERIFY2(isDeceptiveEmail(email), email);
    for (const char *email :
         {"admin@x.org", "u@b\u00fccher.example", "a@\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444"})
        QVERIFY2(!isDeceptiveEmail(email), email);
}

QTEST_GUILESS_MAIN(EmailTest)
#include "email_test.moc"
