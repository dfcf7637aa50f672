// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/end_spec.h"
#include "core/api/result.h"
#include "core/api/secret.h"

#include <boost/describe/enum.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// What was found in what somebody pasted or named: a URL, an `.env`, a compose file, another console's deployment
/// file.
namespace portolan {

/// Beside each: what Finding::about is. None of it is ever a secret.
enum class FindingKind : std::uint8_t {
    // What it was read as
    PortalUrl,      ///< the URL
    RedisUrl,       ///< the URL without user information
    EnvFile,        ///< its name
    ComposeFile,    ///< its name
    DeploymentFile, ///< its name
    // What is there
    Redis,          ///< which server is watched, as a URL
    OtherRedis,     ///< another one, which is not; name: of the variable
    Results,        ///< where Celery's results are, as a URL
    Celery,         ///< what told of it: a variable, a service
    Sentinels,      ///< what they call the primary
    Database,       ///< the URL of a PostgreSQL without user information
    Metrics,        ///< the URL of a page of metrics
    Probe,          ///< a URL that must answer
    Production,     ///< the variable that says so
    PasswordTaken,  ///< the name it has in the keychain
    PasswordAtFile, ///< the file that holds it, and goes on doing so
    // What somebody has to do, or to know
    Published,         ///< the service whose name was taken for the port of this machine that leads to it
    OnlyInside,        ///< "service:port" that only its compose network reaches; mend: the lines that publish it
    AnyPort,           ///< a service that is published on a port that Docker chooses; mend: the command that tells it
    MaybeInside,       ///< a host without a dot, perhaps a name of a compose or Kubernetes network
    ThisMachine,       ///< a host that is this machine where the file is from it, and another where it is not
    OtherBroker,       ///< the scheme of a broker that is none of Redis; name: of the variable
    CertificateUnseen, ///< a host whose certificate the program does not check, which is always done here
    MasterGuessed,     ///< what is said of the primary's name in no place
    PlainHttp,         ///< a host that a token would be sent to where others can read it
    PasswordNeeded,    ///< the keychain's name of a secret that a file from elsewhere names
    ReadInTwoWays,     ///< a variable with a '$' that some programs read as such
    NotSet,            ///< a variable that is used, and has no value in any of the files
    NotRead,           ///< a file that is named, and was not read: it is elsewhere, or not there
    SecretNotRead,     ///< a file of a secret, which is read when asked
    LeftOut,           ///< what a compose file says and nothing here follows: `include`
};
BOOST_DESCRIBE_ENUM(FindingKind, PortalUrl, RedisUrl, EnvFile, ComposeFile, DeploymentFile, Redis, OtherRedis, Results,
                    Celery, Sentinels, Database, Metrics, Probe, Production, PasswordTaken, PasswordAtFile, Published,
                    OnlyInside, AnyPort, MaybeInside, ThisMachine, OtherBroker, CertificateUnseen, MasterGuessed,
                    PlainHttp, PasswordNeeded, ReadInTwoWays, NotSet, NotRead, SecretNotRead, LeftOut)

struct Finding
{
    FindingKind kind{};
    std::string where = {}; ///< "docker-compose.yml:12", ".env:3"; empty: what was pasted
    std::string about = {};
    std::string name = {}; ///< of a variable, where it matters beside `about`
    std::string mend = {}; ///< the exact text that mends it; empty: there is none, or it needs none
    bool operator==(const Finding &) const = default;
};

/// A secret that was found, for the keychain. Nothing else of what was found holds one.
struct PastedSecret
{
    std::string name; ///< as files name it: keychain:NAME
    Secret secret;
};

/// A program that a file from elsewhere names: shown, and run only once somebody has said yes to this very list.
using NamedProgram = std::vector<std::string>;

struct Found
{
    std::vector<EndSpec> ends; ///< best first; at most one is of kind File
    std::vector<Finding> findings;
    std::vector<PastedSecret> secrets;
    std::string watchFile; ///< TOML of the end of kind File (core/stack/watch_file.h reads it); empty: there is none
    std::vector<NamedProgram> programs;
    std::vector<Error> mistakes; ///< what could not be read, "file:line: what", in order; the rest holds all the same
};

} // namespace portolan
