// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/postgres_session.h"

#include "core/storage/errors.h"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>

namespace portolan::storage {
namespace {

struct FreeResult
{
    void operator()(PGresult *result) const { PQclear(result); }
};
using ResultHandle = std::unique_ptr<PGresult, FreeResult>;

/// PostgreSQL numbers its parameters: each `?` outside quotes becomes $1, $2, …
std::string numbered(std::string_view sql)
{
    std::string text;
    text.reserve(sql.size() + 16);
    char quote = 0;
    unsigned number = 0;
    for (const char c : sql) {
        if (quote == 0 && c == '?') {
            text += '$';
            text += std::to_string(++number);
            continue;
        }
        if (c == '\'' || c == '"')
            quote = quote == 0 ? c : quote == c ? '\0' : quote;
        text += c;
    }
    return text;
}

/// A value as text, in the same form in every locale.
std::optional<std::string> spelled(const Value &value)
{
    struct
    {
        std::optional<std::string> operator()(std::monostate) const { return std::nullopt; }
        std::optional<std::string> operator()(std::int64_t number) const { return std::to_string(number); }
        std::optional<std::string> operator()(double number) const
        {
            std::array<char, 32> text;
            const auto end = std::to_chars(text.data(), text.data() + text.size(), number);
            return std::string(text.data(), end.ptr);
        }
        std::optional<std::string> operator()(const std::string &text) const { return text; }
    } convert;
    return std::visit(convert, value);
}

/// Values in the form libpq takes.
class Parameters final
{
public:
    explicit Parameters(const Values &values)
    {
        m_texts.reserve(values.size());
        for (const Value &value : values)
            m_texts.push_back(spelled(value));
        m_pointers.reserve(values.size());
        for (const auto &text : m_texts)
            m_pointers.push_back(text ? text->c_str() : nullptr);
    }
    int count() const { return static_cast<int>(m_pointers.size()); }
    const char *const *data() const { return m_pointers.data(); }

private:
    std::vector<std::optional<std::string>> m_texts;
    std::vector<const char *> m_pointers;
};

/// As pg_stat_activity shows it, without what would have to be escaped there.
std::string plainName(std::string name)
{
    std::erase_if(name, [](unsigned char c) { return !(std::isalnum(c) || c == '-' || c == '_' || c == '.'); });
    return name.empty() ? "portolan" : name;
}

class PostgresResult final : public ResultSet
{
public:
    explicit PostgresResult(ResultHandle result) : m_result(std::move(result)) {}
    bool next() override { return ++m_row < PQntuples(m_result.get()); }
    Result<void> ended() const override { return {}; } // all of it was here before the first row
    std::uint64_t affected() const override { return parsed<std::uint64_t>(PQcmdTuples(m_result.get())); }
    bool isNull(int column) const override
    {
        return !inside(column) || PQgetisnull(m_result.get(), m_row, column) != 0;
    }
    std::int64_t integer(int column) const override
    {
        const std::string_view text = value(column);
        std::int64_t number = 0;
        const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
        if (read.ec == std::errc() && read.ptr == text.data() + text.size())
            return number;
        if (text == "t" || text == "f") // boolean
            return text == "t";
        return static_cast<std::int64_t>(std::llround(parsed<double>(text)));
    }
    double real(int column) const override { return parsed<double>(value(column)); }
    std::string text(int column) const override { return std::string(value(column)); }

private:
    template <class Number> static Number parsed(std::string_view text)
    {
        Number number{};
        std::from_chars(text.data(), text.data() + text.size(), number);
        return number;
    }
    bool inside(int column) const
    {
        return m_row >= 0 && m_row < PQntuples(m_result.get()) && column >= 0 && column < PQnfields(m_result.get());
    }
    std::string_view value(int column) const
    {
        if (!inside(column))
            return {};
        return {PQgetvalue(m_result.get(), m_row, column),
                static_cast<std::size_t>(PQgetlength(m_result.get(), m_row, column))};
    }

    const ResultHandle m_result;
    int m_row = -1;
};

class LibpqSession final : public PostgresSession
{
public:
    LibpqSession(const DatabaseUrl &url, const PoolOptions &options) : m_url(url), m_options(options) {}
    ~LibpqSession() override { LibpqSession::close(); }

    Result<void> open() override;
    void close() override;
    bool isOpen() const override { return m_connection != nullptr; }
    bool isLost() const override { return m_lost; }
    bool isStale() override;
    bool isAborted() const override { return m_connection && PQtransactionStatus(m_connection) == PQTRANS_INERROR; }
    void begin(SteadyTime deadline) override
    {
        m_deadline = deadline;
        m_interrupted = false;
    }
    void end() override
    {
        m_deadline = SteadyTime::max();
        m_lost = m_lost || !connected();
    }
    void interrupt() override;
    Result<std::unique_ptr<ResultSet>> run(std::string_view sql, const Values &values) override;
    Result<void> runOnce(std::string_view sql) override;
    Result<void> beginTransaction() override;
    Result<void> commit() override { return runOnce("COMMIT"); }
    void rollback() override
    {
        if (m_connection)
            const ResultHandle ignored(PQexec(m_connection, "ROLLBACK"));
    }
    int backendPid() const override { return m_connection ? PQbackendPID(m_connection) : 0; }

private:
    bool connected() const { return m_connection && PQstatus(m_connection) == CONNECTION_OK; }
    std::string timeout() const;
    ResultHandle runInTransaction(const std::string &sql, const Parameters &parameters);
    ResultHandle runAlone(const std::string &sql, const Parameters &parameters);
    ResultHandle nextResult();
    Result<ResultHandle> checked(ResultHandle result);
    Error classify(const PGresult *result);

    const DatabaseUrl m_url;
    const PoolOptions m_options;
    PGconn *m_connection = nullptr;
    SteadyTime m_deadline = SteadyTime::max();
    std::atomic<bool> m_interrupted{false};
    bool m_lost = false;
};

Result<void> LibpqSession::open()
{
    close();
    m_lost = false;
    m_interrupted = false;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(m_options.deadline).count();
    const std::string port = std::to_string(m_url.port);
    const std::string connectTimeout = std::to_string(std::clamp<long long>(seconds, 2, 5));
    const std::string application = plainName(m_options.applicationName);
    std::vector<const char *> names{"port",
                                    "connect_timeout",
                                    "application_name",
                                    "client_encoding",
                                    "keepalives",
                                    "keepalives_idle",
                                    "keepalives_interval",
                                    "keepalives_count",
                                    "tcp_user_timeout"};
    std::vector<const char *> values{
        port.c_str(), connectTimeout.c_str(), application.c_str(), "UTF8", "1", "30", "10", "3", "15000"};
    // What is not said is left to libpq: its own defaults and environment.
    const auto add = [&](const char *name, const std::string &value) {
        if (value.empty())
            return;
        names.push_back(name);
        values.push_back(value.c_str());
    };
    add("host", m_url.host);
    add("user", m_url.user);
    add("password", m_url.password);
    add("dbname", m_url.name);
    add("sslmode", m_url.sslMode);
    add("channel_binding", m_url.channelBinding);
    names.push_back(nullptr);
    values.push_back(nullptr);
    m_connection = PQconnectdbParams(names.data(), values.data(), 0);
    if (!m_connection)
        return failure(ErrorKind::Internal, "There is no memory for a database connection.");
    if (!connected()) {
        Error error = classifyPostgreSqlConnect(m_url, PQerrorMessage(m_connection));
        close();
        return error;
    }
    // libpq would write notices to standard error.
    PQsetNoticeProcessor(
        m_connection, [](void *, const char *) {}, nullptr);
    return {};
}

void LibpqSession::close()
{
    if (m_connection)
        PQfinish(m_connection);
    m_connection = nullptr;
}

bool LibpqSession::isStale()
{
    if (!m_connection)
        return true;
    // An idle connection has nothing to say: if there is something to read it is a notice or the server's last words.
    constexpr int mostReads = 8;
    for (int i = 0; i < mostReads; ++i) {
        pollfd socket{PQsocket(m_connection), POLLIN, 0};
        if (socket.fd < 0)
            return true;
        if (::poll(&socket, 1, 0) <= 0)
            return false;
        if (PQconsumeInput(m_connection) == 0 || !connected())
            return true;
    }
    return true;
}

void LibpqSession::interrupt()
{
    m_interrupted = true;
    // PQcancel would connect to a server that does not answer; a shut socket ends the wait here and now.
    if (m_connection && PQsocket(m_connection) >= 0)
        ::shutdown(PQsocket(m_connection), SHUT_RDWR);
}

/// What is left until the deadline, in the milliseconds of statement_timeout (0 would be: for ever).
std::string LibpqSession::timeout() const
{
    const auto limit =
        m_deadline == SteadyTime::max() ? std::chrono::steady_clock::now() + m_options.deadline : m_deadline;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(limit - std::chrono::steady_clock::now());
    return std::to_string(std::clamp<std::int64_t>(left.count(), 1, 24 * 3600 * 1000));
}

Result<std::unique_ptr<ResultSet>> LibpqSession::run(std::string_view sql, const Values &values)
{
    if (!m_connection)
        return failure(ErrorKind::Unavailable, "The database connection is closed.");
    const std::string text = numbered(sql);
    const Parameters parameters(values);
    const bool inside = PQtransactionStatus(m_connection) != PQTRANS_IDLE;
    auto result = checked(inside ? runInTransaction(text, parameters) : runAlone(text, parameters));
    if (result.has_error())
        return result.error();
    return std::make_unique<PostgresResult>(std::move(*result));
}

ResultHandle LibpqSession::runInTransaction(const std::string &sql, const Parameters &parameters)
{
    return ResultHandle(
        PQexecParams(m_connection, sql.c_str(), parameters.count(), nullptr, parameters.data(), nullptr, nullptr, 0));
}

/// The result of the next statement of a pipeline; null once the connection is gone.
ResultHandle LibpqSession::nextResult()
{
    ResultHandle result(PQgetResult(m_connection));
    if (result)
        while (ResultHandle(PQgetResult(m_connection))) {
        }
    return result;
}

/// One round trip for both: up to the Sync that ends it, a pipeline is one transaction, and the timeout is set for no
/// longer than that (https://www.postgresql.org/docs/current/libpq-pipeline-mode.html).
ResultHandle LibpqSession::runAlone(const std::string &sql, const Parameters &parameters)
{
    const std::string milliseconds = timeout();
    const char *const limit[] = {milliseconds.c_str()};
    const bool sent = PQenterPipelineMode(m_connection) == 1 &&
                      PQsendQueryParams(m_connection, "SELECT set_config('statement_timeout', $1, true)", 1, nullptr,
                                        limit, nullptr, nullptr, 0) == 1 &&
                      PQsendQueryParams(m_connection, sql.c_str(), parameters.count(), nullptr, parameters.data(),
                                        nullptr, nullptr, 0) == 1 &&
                      PQpipelineSync(m_connection) == 1;
    if (!sent) {
        m_lost = true; // whatever of it has left
        return {};
    }
    ResultHandle limited = nextResult();
    ResultHandle answer = nextResult();
    const ResultHandle sync(PQgetResult(m_connection));
    if (!sync || PQresultStatus(sync.get()) != PGRES_PIPELINE_SYNC || PQexitPipelineMode(m_connection) != 1)
        m_lost = true;
    return limited && PQresultStatus(limited.get()) == PGRES_TUPLES_OK ? std::move(answer) : std::move(limited);
}

Result<void> LibpqSession::runOnce(std::string_view sql)
{
    if (!m_connection)
        return failure(ErrorKind::Unavailable, "The database connection is closed.");
    if (PQtransactionStatus(m_connection) == PQTRANS_IDLE) {
        auto done = run(sql, {});
        return done.has_error() ? Result<void>(done.error()) : Result<void>();
    }
    auto result = checked(ResultHandle(PQexec(m_connection, std::string(sql).c_str())));
    return result.has_error() ? Result<void>(result.error()) : Result<void>();
}

/// Three statements in one round trip; the settings end with the transaction.
Result<void> LibpqSession::beginTransaction()
{
    if (!m_connection)
        return failure(ErrorKind::Unavailable, "The database connection is closed.");
    const std::string sql =
        "BEGIN; SET LOCAL statement_timeout = " + timeout() + "; SET LOCAL idle_in_transaction_session_timeout = 60000";
    auto result = checked(ResultHandle(PQexec(m_connection, sql.c_str())));
    if (!result.has_error())
        return {};
    if (connected() && PQtransactionStatus(m_connection) != PQTRANS_IDLE)
        rollback();
    return result.error();
}

Result<ResultHandle> LibpqSession::checked(ResultHandle result)
{
    const ExecStatusType status = result ? PQresultStatus(result.get()) : PGRES_FATAL_ERROR;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY)
        return result;
    return classify(result.get());
}

Error LibpqSession::classify(const PGresult *result)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
    const char *words = result ? PQresultErrorMessage(result) : PQerrorMessage(m_connection);
    Error typed = classifyPostgreSql(m_url, state ? state : "", words ? words : "", "run a statement", connected());
    if (typed.code == codeLost)
        m_lost = true;
    const bool late = std::chrono::steady_clock::now() >= m_deadline;
    if ((typed.code == codeLost && m_interrupted) || (typed.code == codeRetry && late))
        return failure(ErrorKind::Timeout, "The database did not finish in time.");
    return typed;
}

} // namespace

std::unique_ptr<PostgresSession> makePostgresSession(const DatabaseUrl &url, const PoolOptions &options)
{
    return std::make_unique<LibpqSession>(url, options);
}

} // namespace portolan::storage
