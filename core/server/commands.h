#pragma once

#include "core/api/result.h"
#include "core/base/settings.h"

#include <string>

/// The commands of `portoland`. Each blocks until it is done and answers the exit code: 0 done, 1 failed while running,
/// 2 bad usage or configuration, after one line on standard error that names the thing and the mend.
namespace portolan::server {

const char *version(); ///< "0.1.0"
/// "portoland 0.1.0", and what it runs with: "Qt 6.4.2, Boost 1.81, SQLite 3.40.1".
std::string versionText(const std::string &program);

/// The line of `program` for an error, on standard error. Answers the exit code.
int report(const Error &error, const char *program);

struct ServeRequest
{
    bool demo = false; ///< seeded, and visited (demonstration.h)
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

struct FileRequest
{
    std::string file;
    bool force = false;
};
int migrateDatabase(const SettingSources &sources);
int backupDatabase(const SettingSources &sources, const FileRequest &request);
int restoreDatabase(const SettingSources &sources, const FileRequest &request);
int checkConfig(const SettingSources &sources);

struct MendRequest
{
    bool empty = false; ///< moves what is damaged aside instead
};
/// Keeps a copy of what a portal does not start on, and mends it (mending.h).
int mend(const SettingSources &sources, const MendRequest &request);

} // namespace portolan::server
