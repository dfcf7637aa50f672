// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/net/ssh_host_keys.h"

#include "core/base/child_process.h"
#include "core/base/given_text.h"
#include "core/base/masking.h"
#include "core/base/program.h"
#include "core/net/coded.h"
#include "core/net/ssh_master.h"
#include "core/net/ssh_process.h"

#include <boost/asio/this_coro.hpp>

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace portolan::net {

namespace {

using SteadyNow = std::chrono::steady_clock;

constexpr std::size_t longestKey = 16 * 1024;
constexpr std::size_t mostShown = 32;
constexpr unsigned mostHops = 8;

std::string base64(std::string_view bytes)
{
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char *>(text.data()),
                                     reinterpret_cast<const unsigned char *>(bytes.data()), int(bytes.size()));
    text.resize(std::size_t(size));
    return text;
}

std::optional<std::string> fromBase64(std::string_view text)
{
    if (text.empty() || text.size() % 4 != 0 || text.size() > longestKey)
        return std::nullopt;
    std::string bytes(text.size() / 4 * 3, '\0');
    const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char *>(bytes.data()),
                                     reinterpret_cast<const unsigned char *>(text.data()), int(text.size()));
    if (size < 0)
        return std::nullopt;
    bytes.resize(bytes.size() - std::size_t(text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0));
    return bytes;
}

std::string sha256(std::string_view bytes)
{
    std::string digest(SHA256_DIGEST_LENGTH, '\0');
    ::SHA256(reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size(),
             reinterpret_cast<unsigned char *>(digest.data()));
    return digest;
}

/// "ssh-ed25519" → "ED25519", as ssh calls kinds of keys elsewhere.
std::string kindOf(std::string_view type)
{
    const bool hardware = type.starts_with("sk-");
    const std::string suffix = hardware ? "-SK" : "";
    if (type.find("ed25519") != type.npos)
        return "ED25519" + suffix;
    if (type.find("ecdsa") != type.npos)
        return "ECDSA" + suffix;
    return type == "ssh-rsa" ? "RSA" : visible(type);
}

std::vector<std::string> words(std::string_view line)
{
    std::istringstream stream{std::string(line)};
    std::vector<std::string> all;
    for (std::string word; stream >> word;)
        all.push_back(word);
    return all;
}

/// The first value of an option in what `ssh -G` prints.
std::string optionIn(const std::string &text, std::string_view name)
{
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ' ')
            return line.substr(name.size() + 1);
    return {};
}

/// The argument that leads to a host of a ProxyJump: "user@host:port", also in brackets.
std::string destination(const std::string &jump)
{
    return jump.starts_with("ssh://") || jump.find(':') == jump.npos ? jump : "ssh://" + jump;
}

Error notWritten(const std::string &path, const std::string &why)
{
    Error error = coded(ErrorKind::Unavailable, "tunnel-ssh-failed",
                        "The key cannot be added to " + quotable(path, 200) + ": " + why + ".",
                        "Look at the file's rights and its disk.");
    error.about = path;
    return error;
}

std::optional<std::string> ownPath(std::string path)
{
    if (path.starts_with("~/")) {
        const passwd *user = ::getpwuid(::getuid());
        if (!user || !user->pw_dir)
            return std::nullopt;
        path = user->pw_dir + path.substr(1);
    }
    return path.starts_with('/') && path.find('%') == path.npos ? std::optional(path) : std::nullopt;
}

Result<void> append(const std::string &path, const std::string &line)
{
    const std::string folder = path.substr(0, path.rfind('/'));
    if (!folder.empty() && ::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        return notWritten(path, std::strerror(errno));
    const FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!file)
        return notWritten(path, std::strerror(errno));
    // A last line that its editor left without an end would take this one into itself.
    char last = '\n';
    const off_t size = ::lseek(file.get(), 0, SEEK_END);
    if (size > 0 && ::pread(file.get(), &last, 1, size - 1) != 1)
        return notWritten(path, std::strerror(errno));
    const std::string text = (last == '\n' ? "" : "\n") + line + "\n";
    if (::write(file.get(), text.data(), text.size()) != ssize_t(text.size()) || ::fsync(file.get()) != 0)
        return notWritten(path, std::strerror(errno));
    return Result<void>();
}

} // namespace

/// One ssh that is to connect, and no more.
struct SshHostKeys::Run
{
    explicit Run(const std::string &host) : log(host) {}
    SshLog log;
    Bell bell;
    std::shared_ptr<SshProcess> process;
    std::string ending;
    bool letIn = false; ///< by the host itself, to which nobody has shown anything

    bool takesKey() const { return letIn || (!log.hostKey() && log.refusedSignIn()); }
};

Result<HostKeyFacts> readHostKey(std::string_view line)
{
    const auto parts = words(line);
    const auto key = parts.size() < 3 ? std::nullopt : fromBase64(parts[2]);
    if (!key)
        return coded(ErrorKind::Protocol, "tunnel-ssh-failed", "ssh has written a key that cannot be read.",
                     "Try it by hand as this user.");
    std::string fingerprint = base64(sha256(*key));
    fingerprint.erase(fingerprint.find_last_not_of('=') + 1);
    return HostKeyFacts{visible(parts[0]), kindOf(parts[1]), "SHA256:" + fingerprint, {}};
}

std::string hashedHost(std::string_view name, std::string_view salt)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned size = 0;
    ::HMAC(EVP_sha1(), salt.data(), int(salt.size()), reinterpret_cast<const unsigned char *>(name.data()), name.size(),
           hash.data(), &size);
    return "|1|" + base64(salt) + "|" + base64(std::string_view(reinterpret_cast<const char *>(hash.data()), size));
}

/// As ssh goes there: through the jump hosts of its configuration, the first of which has jump hosts of its own.
awaitable<Result<std::vector<SshHostKeys::Hop>>> SshHostKeys::hopsTo(std::vector<std::string> arguments,
                                                                     SshFolder &folder, unsigned depth)
{
    ProgramRequest request;
    request.arguments = {m_options.program, "-F", folder.at("config"), "-G"};
    request.arguments.insert(request.arguments.end(), arguments.begin(), arguments.end());
    request.environment = m_options.environment;
    request.deadline = m_options.laterDial;
    const auto told = co_await runProgram(request);
    if (!told) {
        Error error = told.error();
        error.code = error.code == "program-missing" ? "tunnel-ssh-missing" : "tunnel-ssh-failed";
        error.kind = ErrorKind::Unavailable;
        co_return error;
    }
    Hop hop;
    hop.arguments = arguments;
    const auto files = words(optionIn(*told, "userknownhostsfile"));
    hop.knownHosts = files.empty() ? std::string() : files.front();
    hop.hashed = optionIn(*told, "hashknownhosts") == "yes";
    std::vector<Hop> hops;
    std::string before;
    std::istringstream jumps(optionIn(*told, "proxyjump"));
    for (std::string jump; std::getline(jumps, jump, ',') && jump != "none";) {
        if (auto fits = checkSshHost(jump); !fits)
            co_return fits.error();
        if (hops.size() >= mostHops || depth >= mostHops)
            co_return coded(ErrorKind::Invalid, "tunnel-ssh-failed", "The way there has too many jump hosts.",
                            "Look whether a ProxyJump in ~/.ssh/config leads in a circle.");
        std::vector<std::string> there{"--", destination(jump)};
        if (!before.empty())
            there.insert(there.begin(), {"-J", before});
        auto more = co_await hopsTo(there, folder, depth + 1);
        if (!more)
            co_return more.error();
        if (before.empty())
            hops = std::move(*more);
        else
            hops.push_back(std::move(more->back()));
        before += (before.empty() ? "" : ",") + jump;
    }
    hops.push_back(std::move(hop));
    co_return hops;
}

awaitable<std::shared_ptr<SshHostKeys::Run>> SshHostKeys::run(std::vector<std::string> options, Hop hop,
                                                              const SshFolder &folder, std::string host,
                                                              SteadyTime deadline)
{
    const auto executor = co_await asio::this_coro::executor;
    const auto run = std::make_shared<Run>(host);
    std::vector<std::string> arguments{findProgram(m_options.program).value_or(m_options.program),
                                       "-v",
                                       "-F",
                                       folder.at("config"),
                                       "-N",
                                       "-o",
                                       "PreferredAuthentications=none",
                                       "-S",
                                       "none"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.insert(arguments.end(), hop.arguments.begin(), hop.arguments.end());
    const std::weak_ptr<Run> weak = run;
    auto process = SshProcess::start(
        executor, arguments, m_options.environment,
        [weak](std::string_view line) {
            const auto its = weak.lock();
            if (!its)
                return;
            its->log.read(line);
            if (line.starts_with("Authenticated to ") && line.find("using \"none\"") != line.npos) {
                its->letIn = true;
                its->bell.ring();
            }
        },
        [weak](const std::string &ending) {
            if (const auto its = weak.lock()) {
                its->ending = ending;
                its->bell.ring();
            }
        });
    if (!process) {
        run->ending = visible(process.error().message);
        co_return run;
    }
    run->process = std::move(*process);
    while (run->ending.empty() && !run->letIn && SteadyNow::now() < deadline)
        co_await run->bell.wait(executor, deadline);
    run->process.reset();
    co_return run;
}

awaitable<Result<std::optional<HostKeyFacts>>> SshHostKeys::look(std::string host, SteadyTime deadline)
{
    if (auto fits = checkSshHost(host); !fits)
        co_return fits.error();
    auto folder = SshFolder::make(m_options);
    if (!folder)
        co_return folder.error();
    if (const auto config = folder->write("config", sshConfig(m_options)); !config)
        co_return config.error();
    const std::vector<std::string> there{"--", host};
    const auto hops = co_await hopsTo(there, *folder, 0);
    if (!hops)
        co_return hops.error();
    for (const auto &hop : *hops) {
        const auto tried = co_await run({}, hop, *folder, host, deadline);
        if (tried->takesKey())
            continue;
        const auto key = tried->log.hostKey();
        if (!key)
            co_return tried->log.whyNotUp(tried->ending);
        if (!key->sha256.empty() || !key->known.empty())
            co_return key;
        auto learnt = co_await learn(*key, hop, *folder, host, deadline);
        if (!learnt)
            co_return learnt.error();
        co_return std::optional(std::move(*learnt));
    }
    co_return std::optional<HostKeyFacts>();
}

/// ssh tells the fingerprint of a key that it does not know to nobody, but it keeps the key in a file of ours. For this
/// hop alone: options are not handed on to the jump hosts before it, whose keys are known.
awaitable<Result<HostKeyFacts>> SshHostKeys::learn(HostKeyFacts unknown, Hop hop, const SshFolder &folder,
                                                   std::string host, SteadyTime deadline)
{
    const std::string file = folder.at("keys");
    const std::vector<std::string> options{
        "-o", "StrictHostKeyChecking=accept-new", "-o", "UserKnownHostsFile=" + file, "-o", "GlobalKnownHostsFile=none",
        "-o", "KnownHostsCommand=none",           "-o", "HashKnownHosts=no",          "-o", "CheckHostIP=no"};
    const auto learnt = co_await run(options, hop, folder, host, deadline);
    std::ifstream stream(file);
    std::string line;
    if (!std::getline(stream, line) || line.size() > longestKey)
        co_return learnt->log.whyNotUp(learnt->ending);
    auto facts = readHostKey(line);
    if (!facts)
        co_return facts.error();
    if (facts->host != unknown.host)
        co_return coded(ErrorKind::Protocol, "tunnel-ssh-failed",
                        "ssh has asked " + facts->host + " for its key, and not " + unknown.host + ".",
                        "Confirm it by hand: ssh asks in a terminal.");
    const auto parts = words(line);
    std::erase_if(m_shown, [&](const Shown &one) { return one.facts.host == facts->host; });
    if (m_shown.size() >= mostShown)
        m_shown.erase(m_shown.begin());
    m_shown.push_back({*facts, parts[1] + " " + parts[2], hop});
    co_return facts;
}

Result<void> SshHostKeys::trust(const HostKeyFacts &key)
{
    const auto shown = std::ranges::find(m_shown, key, &Shown::facts);
    if (shown == m_shown.end() || !key.known.empty())
        return coded(ErrorKind::Conflict, "tunnel-ssh-host-key-unknown",
                     "This key of " + quotable(key.host) + " is not the one that was shown.", "Look at it again.");
    const auto path = ownPath(shown->hop.knownHosts);
    if (!path)
        return notWritten(shown->hop.knownHosts, "UserKnownHostsFile names no file of this user's");
    std::string name = key.host;
    if (shown->hop.hashed) {
        std::string salt(20, '\0');
        if (::RAND_bytes(reinterpret_cast<unsigned char *>(salt.data()), int(salt.size())) != 1)
            return failure(ErrorKind::Internal, "There is no random number to be had.");
        name = hashedHost(name, salt);
    }
    auto kept = append(*path, name + " " + shown->key);
    if (kept)
        m_shown.erase(shown);
    return kept;
}

} // namespace portolan::net
