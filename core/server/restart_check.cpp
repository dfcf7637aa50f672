// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/server/restart_check.h"

#include "core/base/data_directory.h"
#include "core/base/runtime.h"
#include "core/base/settings.h"
#include "core/redis/client.h"
#include "core/server/environment.h"
#include "core/server/infrastructure.h"
#include "core/server/mending.h"
#include "core/server/parts.h"
#include "core/server/portal_server.h"
#include "core/storage/database.h"
#include "core/storage/migrations.h"

#include <boost/asio/ip/tcp.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace portolan::server {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds redisPatience{5};
constexpr std::chrono::milliseconds look{200}; ///< so often somebody may call it off

Error calledOff() { return failure(ErrorKind::Cancelled, "It was called off; the portal goes on as it was."); }

using Endpoint = asio::ip::tcp::endpoint;

error_code tryListening(const Endpoint &endpoint)
{
    asio::io_context context;
    asio::ip::tcp::acceptor acceptor(context);
    error_code failed;
    acceptor.open(endpoint.protocol(), failed);
    if (!failed)
        acceptor.set_option(asio::ip::tcp::acceptor::reuse_address(true), failed);
    if (!failed)
        acceptor.bind(endpoint, failed);
    if (!failed)
        acceptor.listen(1, failed);
    return failed;
}

std::optional<asio::ip::address> addressOf(const http::ServerOptions &options)
{
    error_code failed;
    const auto address = asio::ip::make_address(options.address == "localhost" ? "127.0.0.1" : options.address, failed);
    return failed ? std::nullopt : std::optional(address);
}

/// Whether it can be listened on. Our own portal on the port it has now is no obstacle, since it gives way: then only
/// the address is looked at.
Result<void> checkAddress(const Settings &present, const Settings &wanted)
{
    const auto now = serverOptions(present);
    const auto then = serverOptions(wanted);
    if (!then)
        return then.error();
    const auto address = addressOf(*then);
    if (!address)
        return ofSettings(failure(ErrorKind::Invalid, "Cannot listen on '" + then->address + "': that is no address.",
                                  "Write one like 127.0.0.1, 0.0.0.0 or ::."),
                          {"listen"});
    const bool samePort = now && now->port == then->port;
    const auto ours = now ? addressOf(*now) : std::nullopt;
    if (samePort && ours == address)
        return {};
    error_code failed = tryListening({*address, then->port});
    const bool overlap = samePort && ours && (ours->is_unspecified() || address->is_unspecified());
    if (failed == asio::error::address_in_use && overlap)
        failed = tryListening({*address, 0});
    if (failed)
        return ofSettings(
            failure(ErrorKind::Unavailable,
                    "Cannot listen on " + wanted.text("listen") + ": " +
                        (failed == asio::error::address_in_use ? "the port is in use" : failed.message()) + ".",
                    failed == asio::error::address_in_use
                        ? "Choose another port, or end what uses this one."
                        : "Choose an address of this machine and a port that this user may take."),
            {"listen"});
    return {};
}

/// Whether something can be made in a folder that is there, found out by doing so: rights do not tell of file systems
/// that take nothing.
Result<void> checkRoom(const fs::path &folder, const std::string &what)
{
    constexpr std::uintmax_t least = 1024 * 1024;
    std::string made = (folder / ".portolan-XXXXXX").string();
    const int reason = ::mkdtemp(made.data()) ? 0 : errno;
    if (reason == 0)
        ::rmdir(made.c_str());
    std::error_code unknown;
    const auto space = fs::space(folder, unknown);
    if (reason == ENOSPC || reason == EDQUOT || (!unknown && reason == 0 && space.available < least))
        return failure(ErrorKind::Full, "There is no room left for " + what + ".", "Free space on its disk.");
    if (reason != 0)
        return ofSettings(failure(ErrorKind::Invalid,
                                  "Cannot make " + what + ": in " + folder.string() + " nothing can be made (" +
                                      std::generic_category().message(reason) + ").",
                                  "Make it writable for this user, or choose another place."),
                          {"data_dir", "database.url"});
    return {};
}

/// One that is there must be free, and one that is not must be such that it can be made.
Result<void> checkDirectory(const Settings &present, const Settings &wanted)
{
    std::error_code ignored;
    const auto path = fs::absolute(dataDirectoryPath(wanted), ignored).lexically_normal();
    if (path == fs::absolute(dataDirectoryPath(present), ignored).lexically_normal())
        return {};
    if (fs::exists(path, ignored)) {
        const auto opened = DataDirectory::open(path);
        return opened ? checkRoom(path, "the files of the data directory " + path.string()) : opened.error();
    }
    fs::path folder = path;
    while (folder.has_relative_path() && !fs::exists(folder, ignored))
        folder = folder.parent_path();
    const std::string what = "the data directory " + path.string();
    if (!fs::is_directory(folder, ignored))
        return ofSettings(failure(ErrorKind::Invalid, "Cannot make " + what + ": " + folder.string() + " is a file.",
                                  "Choose another."),
                          {"data_dir"});
    return checkRoom(folder, what);
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
    std::optional<Error> why;
    do {
        ready = runSync<Result<void>>(runtime.at(0), [&probe] { return probe.waitReady(look); });
        why = ready ? std::nullopt : probe.problem();
    } while (!ready && !(why && !mayComeBack(*why)) && !cancelled() && std::chrono::steady_clock::now() < until);
    if (ready)
        ready = runSync<Result<void>>(runtime.at(0), [&] { return checkEviction(probe, *endpoint); });
    probe.stop();
    return why ? *why : ready;
}

/// A SQLite file that is not there is made by the start, where its folder is.
Result<void> checkDatabase(const Settings &present, const Settings &wanted)
{
    auto url = databaseUrl(wanted);
    if (!url)
        return url.error();
    const auto now = databaseUrl(present);
    const bool file = url->dialect == storage::Dialect::Sqlite;
    const bool sameText = wanted.text("database.url") == present.text("database.url");
    if (now && now->display() == url->display() && (file || sameText))
        return {};
    // However it is written: closing a file that this process has open would drop the portal's locks of it.
    std::error_code differs;
    if (now && file && now->dialect == url->dialect && fs::equivalent(now->path, url->path, differs))
        return {};
    if (const auto left = checkDatabaseIsLeft(wanted, dataDirectoryPath(wanted), url->path); file && !left)
        return left;
    if (!databaseIsThere(*url)) {
        std::error_code ignored;
        const fs::path folder = fs::path(url->path).parent_path().lexically_normal();
        if (folder == fs::absolute(dataDirectoryPath(wanted), ignored).lexically_normal())
            return {};
        if (!fs::is_directory(folder, ignored))
            return ofSettings(failure(ErrorKind::Invalid,
                                      "The database file " + url->path + " cannot be used: there is no folder " +
                                          folder.string() + ".",
                                      "Make the folder, or choose another place."),
                              {"database.url"});
        return checkRoom(folder, "the database file " + url->path);
    }
    storage::PoolOptions options;
    options.connections = 1;
    storage::Database database(std::move(*url), options);
    const auto opened = database.open();
    return opened ? storage::checkMigrations(database) : opened;
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
