#pragma once

#include "core/api/deployment.h"
#include "core/api/result.h"

#include <QFuture>
#include <QObject>
#include <optional>
#include <string>
#include <vector>

namespace portolan {

/// What a portal on this machine is made of. Empty text: the built-in choice.
struct LocalStackSettings
{
    std::string tier = "small";            ///< a built-in one, or a file
    std::string listen = "127.0.0.1:8080"; ///< port 0 picks a free one
    std::string redisUrl;                  ///< empty: a private redis-server
    std::string databaseUrl;               ///< empty: SQLite in the data directory
    std::string dataDirectory;             ///< empty: the user's own
    bool operator==(const LocalStackSettings &) const = default;
};

/// A line of the portal's log.
struct LogLine
{
    enum class Level : std::uint8_t { Debug, Info, Warning, Error };
    WallTime time{};
    Level level = Level::Info;
    std::string message; ///< with its fields, "key=value …"
    bool operator==(const LogLine &) const = default;
};

/// Makes, starts, stops and seeds one portal on this machine. Lives on the GUI thread; calls never block and always
/// finish. One call at a time: another answers Conflict meanwhile.
class LocalStack : public QObject
{
    Q_OBJECT

public:
    enum class State : std::uint8_t { Stopped, Starting, Running, Stopping };
    Q_ENUM(State)
    using QObject::QObject;
    ~LocalStack() override;

    virtual State state() const = 0;
    virtual std::optional<Error> problem() const = 0; ///< why it did not start, or ended
    virtual const LocalStackSettings &settings() const = 0;
    virtual std::vector<std::string> tiers() const = 0; ///< built-in ones
    virtual std::string dataDirectory() const = 0;      ///< that is, or would be, used

    /// The portal as a deployment: the same object whether it runs or not, and across restarts.
    virtual Deployment &deployment() = 0;

    /// Starts with these settings; they stay. Errors: those of a bad setting, port, Redis or database, with the mend.
    virtual QFuture<Result<void>> start(LocalStackSettings settings) = 0;
    virtual QFuture<Result<void>> stop() = 0;
    /// Stops, deletes what the private Redis and the SQLite file hold, and starts again. Unsupported for a Redis or a
    /// database that was named: they are not ours to delete.
    virtual QFuture<Result<void>> reset() = 0;
    /// Adds users, sessions and finished analyses to a running portal, for a first look. Answers in one sentence.
    virtual QFuture<Result<std::string>> seed() = 0;

signals:
    void stateChanged();
    void logged(const std::vector<portolan::LogLine> &lines); ///< gathered for a moment, oldest first
};

} // namespace portolan
