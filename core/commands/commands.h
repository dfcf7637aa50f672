// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/settings.h"

#include <functional>
#include <memory>
#include <string>

namespace portolan::server {
class PortalServer;
}

/// The commands of `portoland`. Each blocks until it is done and answers the exit code: 0 done, 1 failed while running,
/// 2 bad usage or configuration, after one line on standard error that names the thing and the mend.
namespace portolan::commands {

struct ServeRequest
{
    /// Makes what keeps a portal company while it serves: begun once it does, gone before it stops. Not in production.
    std::function<std::shared_ptr<void>(const server::PortalServer &)> company{};
};
/// Serves until SIGTERM or SIGINT, then drains. Prints the ready line to standard output.
int serve(const SettingSources &sources, const ServeRequest &request);

struct StatusRequest
{
    std::string url;
    bool watch = false;
    bool json = false;
    std::string heading; ///< a line above the zones
};
/// Exit code 1 when no portal answers; with --watch it waits for one and goes on.
int status(const SettingSources &sources, const StatusRequest &request);

struct UserRequest
{
    std::string email;
    std::string role = "user";
};
int addUser(const SettingSources &sources, const UserRequest &request);
int disableUser(const SettingSources &sources, const UserRequest &request);
int enableUser(const SettingSources &sources, const UserRequest &request);
int setRole(const SettingSources &sources, const UserRequest &request);
int setPassword(const SettingSources &sources, const UserRequest &request);
int listUsers(const SettingSources &sources);

struct TokenRequest
{
    std::string name;
    std::string role;    ///< operator or admin
    std::string expires; ///< "90d"; empty: never
};
/// Prints the token alone to standard output, once; what is to be said of it to standard error.
int addToken(const SettingSources &sources, const TokenRequest &request);
/// Every instance of the portal refuses it within ten seconds.
int revokeToken(const SettingSources &sources, const TokenRequest &request);
int listTokens(const SettingSources &sources);

struct FileRequest
{
    std::string file;
    bool force = false;
};
int migrateDatabase(const SettingSources &sources);
int backupDatabase(const SettingSources &sources, const FileRequest &request);
int restoreDatabase(const SettingSources &sources, const FileRequest &request);
int checkConfig(const SettingSources &sources);

struct WatchCheckRequest
{
    std::string file;  ///< a watched deployment's
    bool keys = false; ///< lists every key there is instead
};
/// Prints what the file says, each key with its meaning, what would be watched by it and what not, and where its
/// secrets come from. Exit code 2 after every mistake on a line of its own on standard error, "FILE:LINE: key: what"; 1
/// when the file is right, but a secret or a file that it names cannot be read here.
int checkWatchFile(const WatchCheckRequest &request);

struct MendRequest
{
    bool empty = false; ///< moves what is damaged aside instead
};
/// Keeps a copy of what a portal does not start on, and mends it (mending.h).
int mend(const SettingSources &sources, const MendRequest &request);

} // namespace portolan::commands
