#include "core/server/restart_check.h"

#include "core/base/data_directory.h"
#include "core/base/runtime.h"
#include "core/base/settings.h"
#include "core/redis/client.h"
#include "core/server/environment.h"
#include "core/server/parts.h"
#include "core/server/portal_server.h"
#include "core/storage/database.h"

#include <boost/asio/ip/tcp.hpp>

namespace portolan::server {
namespace {

constexpr std::chrono::seconds redisPatience{5};
constexpr std::chrono::milliseconds look{200}; ///< so often somebody may call it off

Error calledOff() { return failure(ErrorKind::Cancelled, "It was called off; the portal goes on as it was."); }

/// Whether somebody else listens there. Our own portal, on the port it has now, is no obstacle: it gives way.
Result<void> checkAddress(const Settings &present, const Settings &wanted)
{
    const auto now = serverOptions(present);
    const auto then = serverOptions(wanted);
    if (!then)
        return then.error();
    if (then->port == 0 || (now && now->port == then->port))
        return {};
    asio::io_context context;
    error_code failed;
    const auto address = asio::ip::make_address(then->address, failed);
    if (failed)
        return {}; // a name: the start will find out
    asio::ip::tcp::acceptor acceptor(context);
    const asio::ip::tcp::endpoint endpoint(address, then->port);
    acceptor.open(endpoint.protocol(), failed);
    if (!failed)
        acceptor.set_option(asio::ip::tcp::acceptor::reuse_address(true), failed);
    if (!failed)
        acceptor.bind(endpoint, failed);
    if (!failed)
        acceptor.listen(1, failed);
    if (failed)
        return failure(ErrorKind::Unavailable,
                       "Cannot listen on " + wanted.text("listen") + ": " +
                           (failed == asio::error::address_in_use ? "the port is in use" : failed.message()) + ".",
                       failed == asio::error::address_in_use ? "Choose another port, or end what uses this one."
                                                             : "Choose another address or port.");
    return {};
}

/// One that is there must be free; one that is not will be made.
Result<void> checkDirectory(const Settings &present, const Settings &wanted)
{
    const auto path = dataDirectoryPath(wanted);
    std::error_code ignored;
    if (path == dataDirectoryPath(present) || !std::filesystem::exists(path, ignored))
        return {};
    const auto opened = DataDirectory::open(path);
    return opened ? Result<void>() : opened.error();
}

Result<void> checkRedis(const Settings &present, const Settings &wanted, const std::function<bool()> &cancelled)
{
    if (!wanted.isSet("redis.url") || wanted.text("redis.url") == present.text("redis.url"))
        return {};
    const auto endpoint = redisUrl(wanted);
    if (!endpoint)
        return endpoint.error();
    Runtime runtime(1);
    redis::Client probe(runtime.at(0), *endpoint);
    probe.start();
    Result<void> ready;
    const auto until = std::chrono::steady_clock::now() + redisPatience;
    do {
        ready = runSync<Result<void>>(runtime.at(0), [&probe] { return probe.waitReady(look); });
    } while (!ready && !cancelled() && std::chrono::steady_clock::now() < until);
    probe.stop();
    return ready;
}

/// A SQLite file that is not there is made by the start.
Result<void> checkDatabase(const Settings &present, const Settings &wanted)
{
    auto url = databaseUrl(wanted);
    if (!url)
        return url.error();
    const auto now = databaseUrl(present);
    if (wanted.text("database.url") == present.text("database.url") || !databaseIsThere(*url))
        return {};
    storage::PoolOptions options;
    options.connections = 1;
    storage::Database database(std::move(*url), options);
    return database.open();
}

} // namespace

Result<void> checkRestart(const Settings &present, const Settings &wanted, const std::function<bool()> &cancelled)
{
    if (const auto fit = checkSettings(wanted); !fit)
        return fit;
    if (const auto fit = checkAddress(present, wanted); !fit)
        return fit;
    if (const auto fit = checkDirectory(present, wanted); !fit)
        return fit;
    if (const auto fit = checkRedis(present, wanted, cancelled); cancelled() || !fit)
        return cancelled() ? calledOff() : fit.error();
    if (const auto fit = checkDatabase(present, wanted); cancelled() || !fit)
        return cancelled() ? calledOff() : fit.error();
    return {};
}

} // namespace portolan::server
