// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/sentences.h"
#include "core/base/settings.h"
#include "core/embedded/field_names.h"

#include <QTest>

using namespace portolan;
using namespace portolan::embedded;

/// Sentences for a command line, as somebody in front of a window reads them.
class FieldNamesTest final : public QObject
{
    Q_OBJECT
private slots:
    void optionsBecomeFields_data();
    void optionsBecomeFields();
    void noOptionIsLeft();
    void sentencesHaveOneStop_data();
    void sentencesHaveOneStop();
};

void FieldNamesTest::optionsBecomeFields_data()
{
    QTest::addColumn<QString>("told");
    QTest::addColumn<QString>("read");
    const auto same = [](const char *text) { QTest::newRow(text) << text << text; };
    QTest::newRow("with") << "Choose another with --data-dir."
                          << "Choose another in the field Data directory.";
    QTest::newRow("two of them") << "or choose another place with --data-dir or --database."
                                 << "or choose another place in the field Data directory or the field Database.";
    QTest::newRow("a variable") << "Check that the server runs and that DATABASE_URL names it."
                                << "Check that the server runs and that the field Database names it.";
    QTest::newRow("an option or its variable")
        << "Check that the server runs and that --database or DATABASE_URL names it."
        << "Check that the server runs and that the field Database names it.";
    QTest::newRow("a key") << "The setting 'listen' is 'abc', which is no ADDRESS:PORT."
                           << "The field Listen is 'abc', which is no ADDRESS:PORT.";
    QTest::newRow("a key first") << "redis.url: the URL is not valid"
                                 << "Redis: the URL is not valid";
    QTest::newRow("a key in a sentence") << "names redis://h/0, which is not redis.url."
                                         << "names redis://h/0, which is not the field Redis.";
    QTest::newRow("no field") << "Give both --tls-cert and --tls-key, or neither."
                              << "Give both tls.cert and tls.key, or neither.";
    QTest::newRow("a command, then an option")
        << "Put it back with `portoland restore FILE --data-dir '/x'`; or name it with --database."
        << "Put it back with `portoland restore FILE --data-dir '/x'`; or name it in the field Database.";
    QTest::newRow("a quote in a log line") << R"(did not start why="The setting 'listen' is 'abc'.")"
                                           << R"(did not start why="The field Listen is 'abc'.")";
    same("`portoland mend --data-dir /x --empty` begins with nobody.");
    same("put a backup back with 'portoland restore FILE --data-dir /x', or save what is left");
    same("Put the password into REDIS_PASSWORD.");
    same("Cannot make /srv/redis.url/data: it listens for no tier.");
    same("`an apostrophe that is never closed --data-dir");
    same("");
}

void FieldNamesTest::optionsBecomeFields()
{
    QFETCH(QString, told);
    QFETCH(QString, read);
    QCOMPARE(QString::fromStdString(withFieldNames(told.toStdString())), read);
    Error error = failure(ErrorKind::Invalid, told.toStdString(), told.toStdString());
    error = withFieldNames(error);
    QCOMPARE(QString::fromStdString(error.message), read);
    QCOMPARE(QString::fromStdString(error.hint), read);
}

/// Whatever the schema has.
void FieldNamesTest::noOptionIsLeft()
{
    int options = 0;
    for (const auto &spec : settingSchema()) {
        if (spec.option.empty())
            continue;
        ++options;
        const std::string option(spec.option);
        for (const std::string &text : {"Say " + option + ".", "Choose with " + option + ", or not"})
            QVERIFY2(withFieldNames(text).find("--") == std::string::npos, withFieldNames(text).c_str());
        const std::string command = "Run `portoland serve " + option + " x`.";
        QCOMPARE(withFieldNames(command), command);
    }
    QVERIFY(options > 5);
}

void FieldNamesTest::sentencesHaveOneStop_data()
{
    QTest::addColumn<QString>("first");
    QTest::addColumn<QString>("second");
    QTest::addColumn<QString>("whole");
    QTest::newRow("none") << "No such file"
                          << "It runs again"
                          << "No such file. It runs again.";
    QTest::newRow("both") << "no answer within 2000 ms."
                          << "Look!"
                          << "no answer within 2000 ms. Look!";
    QTest::newRow("one only") << ""
                              << "Look"
                              << "Look.";
    QTest::newRow("nothing") << ""
                             << ""
                             << "";
}

void FieldNamesTest::sentencesHaveOneStop()
{
    QFETCH(QString, first);
    QFETCH(QString, second);
    QTEST(QString::fromStdString(inSentences(first.toStdString(), second.toStdString())), "whole");
}

QTEST_GUILESS_MAIN(FieldNamesTest)
#include "field_names_test.moc"
