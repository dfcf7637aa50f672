// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/reply_reader.h"

#include <QTest>

using namespace portolan::redis;

namespace {

/// All replies of `bytes` fed in pieces of `step`; a last "!" when it ended malformed.
std::string readAll(const std::string &bytes, std::size_t step, std::size_t maxBytes = 1 << 20)
{
    struct Text
    {
        static std::string of(const Reply &reply)
        {
            switch (reply.type) {
            case Reply::Type::Nil:
                return "nil";
            case Reply::Type::Status:
                return "+" + reply.text;
            case Reply::Type::Error:
                return "-" + std::string(reply.errorCode());
            case Reply::Type::Integer:
                return std::to_string(reply.integer);
            case Reply::Type::String:
                return "'" + reply.text + "'";
            case Reply::Type::Array:
                break;
            }
            std::string text = "[";
            for (const auto &element : reply.elements)
                text += of(element) + " ";
            return text + "]";
        }
    };
    ReplyReader reader(maxBytes);
    std::string all;
    Reply reply;
    for (std::size_t from = 0; from < bytes.size(); from += step) {
        const auto piece = bytes.substr(from, step);
        reader.feed(piece.data(), piece.size());
        for (;;) {
            const auto next = reader.next(reply);
            if (next == ReplyReader::Next::NeedMore)
                break;
            if (next == ReplyReader::Next::Malformed)
                return all + "!";
            all += Text::of(reply) + ";";
        }
    }
    return all;
}

} // namespace

class ReplyReaderTest final : public QObject
{
    Q_OBJECT
private slots:
    void readsReplies_data();
    void readsReplies();
    void boundsAReply();
    void doesNotBelieveALargeCount();
};

void ReplyReaderTest::readsReplies_data()
{
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<QByteArray>("replies");
    QTest::newRow("status") << QByteArray("+OK\r\n") << QByteArray("+OK;");
    QTest::newRow("error") << QByteArray("-OOM command not allowed\r\n") << QByteArray("-OOM;");
    QTest::newRow("integers") << QByteArray(":-9223372036854775808\r\n:7\r\n") << QByteArray("-9223372036854775808;7;");
    QTest::newRow("strings") << QByteArray("$0\r\n\r\n$4\r\n\r\nab\r\n$-1\r\n") << QByteArray("'';'\r\nab';nil;");
    QTest::newRow("arrays") << QByteArray("*3\r\n:1\r\n*2\r\n$1\r\na\r\n*0\r\n*-1\r\n*1\r\n+x\r\n")
                            << QByteArray("[1 ['a' [] ] nil ];[+x ];");
    QTest::newRow("no RESP") << QByteArray("HTTP/1.1 400 Bad Request\r\n") << QByteArray("!");
    QTest::newRow("good, then bad") << QByteArray("+OK\r\n?\r\n") << QByteArray("+OK;!");
    QTest::newRow("unfinished") << QByteArray("*2\r\n:1\r\n") << QByteArray("");
}

void ReplyReaderTest::readsReplies()
{
    QFETCH(QByteArray, bytes);
    QFETCH(QByteArray, replies);
    for (const std::size_t step : {1U, 3U, 1000U})
        QCOMPARE(QByteArray::fromStdString(readAll(bytes.toStdString(), step)), replies);
}

void ReplyReaderTest::boundsAReply()
{
    const std::string bytes = "$5000\r\n" + std::string(5000, 'x') + "\r\n+OK\r\n";
    QCOMPARE(readAll(bytes, 100, 4000), std::string("!"));
    QVERIFY(readAll(bytes, 100, 6000).ends_with("+OK;"));
}

void ReplyReaderTest::doesNotBelieveALargeCount() { QCOMPARE(readAll("*2000000000\r\n:1\r\n", 100), std::string()); }

QTEST_GUILESS_MAIN(ReplyReaderTest)
#include "reply_reader_test.moc"
