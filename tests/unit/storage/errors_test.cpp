// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/snapshot.h"
#include "core/storage/errors.h"

#include <QTest>
#include <algorithm>

using namespace portolan;
using namespace portolan::storage;

/// What PostgreSQL says, as a caller must tell it apart: each way out is a code of its own.
class ErrorsTest final : public QObject
{
    Q_OBJECT
private slots:
    void connecting_data();
    void connecting();
    void states_data();
    void states();
};

namespace {

DatabaseUrl url() { return DatabaseUrl::parse("postgresql://portal@db.example:5432/portal").value(); }

void isALinksTrouble(const Error &error, const QByteArray &code)
{
    QCOMPARE(QByteArray::fromStdString(error.code), code);
    QVERIFY(std::ranges::find(linkTroubles, std::string_view(error.code)) != std::end(linkTroubles));
    QVERIFY(!error.about.empty() && !error.hint.empty());
}

} // namespace

void ErrorsTest::connecting_data()
{
    QTest::addColumn<QByteArray>("words");
    QTest::addColumn<QByteArray>("code");
    QTest::newRow("password") << QByteArray("FATAL:  password authentication failed for user \"portal\"")
                              << QByteArray("database-refused");
    QTest::newRow("no password") << QByteArray("fe_sendauth: no password supplied") << QByteArray("database-refused");
    QTest::newRow("address") << QByteArray("FATAL:  no pg_hba.conf entry for host \"192.0.2.7\", user \"portal\", "
                                           "database \"portal\", no encryption")
                             << QByteArray("database-not-allowed");
    QTest::newRow("system user") << QByteArray("FATAL:  Peer authentication failed for user \"portal\"")
                                 << QByteArray("database-peer");
    QTest::newRow("connections") << QByteArray("FATAL:  sorry, too many clients already")
                                 << QByteArray("database-connections");
    QTest::newRow("missing") << QByteArray("FATAL:  database \"portal\" does not exist")
                             << QByteArray("database-missing");
    QTest::newRow("starting") << QByteArray("FATAL:  the database system is starting up")
                              << QByteArray("database-lost");
    QTest::newRow("away") << QByteArray("connection to server failed: Connection refused")
                          << QByteArray("database-lost");
}

void ErrorsTest::connecting()
{
    QFETCH(QByteArray, words);
    QFETCH(QByteArray, code);
    isALinksTrouble(classifyPostgreSqlConnect(url(), words.toStdString()), code);
}

void ErrorsTest::states_data()
{
    QTest::addColumn<QByteArray>("state");
    QTest::addColumn<QByteArray>("code");
    QTest::newRow("a standby") << QByteArray("25006") << QByteArray("database-standby");
    QTest::newRow("rights") << QByteArray("42501") << QByteArray("database-rights");
    QTest::newRow("resources") << QByteArray("53200") << QByteArray("database-resources");
    QTest::newRow("lost") << QByteArray("57P01") << QByteArray("database-lost");
}

void ErrorsTest::states()
{
    QFETCH(QByteArray, state);
    QFETCH(QByteArray, code);
    isALinksTrouble(classifyPostgreSql(url(), state.toStdString(), "ERROR:  no", "write it", true), code);
}

QTEST_GUILESS_MAIN(ErrorsTest)
#include "errors_test.moc"
