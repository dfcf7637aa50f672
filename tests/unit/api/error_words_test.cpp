// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/error_words.h"
#include "core/api/sentences.h"

#include <QTest>

using namespace portolan;

/// Errors as whole sentences: nothing twice, and no name before what is a sentence already.
class ErrorWordsTest final : public QObject
{
    Q_OBJECT
private slots:
    void errorsAreSentences_data();
    void errorsAreSentences();
    void sentencesHaveOneStop_data();
    void sentencesHaveOneStop();
};

void ErrorWordsTest::errorsAreSentences_data()
{
    QTest::addColumn<Error>("error");
    QTest::addColumn<QString>("words");
    const auto row = [](const char *name, const char *message, std::vector<FieldError> fields, const char *hint,
                        const char *words) {
        Error error = failure(ErrorKind::Invalid, message, hint);
        error.fields = std::move(fields);
        QTest::newRow(name) << error << QString::fromUtf8(words);
    };
    row("no field", "Port 8080 is in use", {}, "Choose another", "Port 8080 is in use. Choose another.");
    row("goes on from its name", "The family cannot be cleaned up.", {{"/family", "must be one that can"}}, "",
        "The family cannot be cleaned up. family must be one that can.");
    row("a sentence", "The e-mail address is not valid.", {{"/email", "It is empty."}},
        "Write it like name@example.com.",
        "The e-mail address is not valid. It is empty. Write it like name@example.com.");
    row("a sentence among several", "These limits cannot be set.",
        {{"/limits/Api", "must not be empty"}, {"/limits/Admin", "This category has no windows."}}, "",
        "These limits cannot be set. limits/Api must not be empty. limits/Admin: This category has no windows.");
    row("told by the message", "The password cannot be used: it has fewer than 8 characters.",
        {{"/password", "has fewer than 8 characters"}}, "",
        "The password cannot be used: it has fewer than 8 characters.");
    row("told with its stop", "It is empty.", {{"/email", "It is empty."}}, "", "It is empty.");
    row("the first told by the message", "2 fields are wrong: /email is required, …",
        {{"/email", "is required"}, {"/password", "is required"}}, "",
        "2 fields are wrong: /email is required. password is required.");
    row("nothing said of a field", "The page cannot be read", {{"/cursor", ""}}, "", "The page cannot be read.");
}

void ErrorWordsTest::errorsAreSentences()
{
    QFETCH(Error, error);
    QTEST(QString::fromStdString(wordsOf(error)), "words");
}

void ErrorWordsTest::sentencesHaveOneStop_data()
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

void ErrorWordsTest::sentencesHaveOneStop()
{
    QFETCH(QString, first);
    QFETCH(QString, second);
    QTEST(QString::fromStdString(inSentences(first.toStdString(), second.toStdString())), "whole");
}

QTEST_GUILESS_MAIN(ErrorWordsTest)
#include "error_words_test.moc"
