// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/credentials.h"
#include "core/base/given_text.h"
#include "core/base/masking.h"
#include "core/base/names.h"
#include "core/base/settings.h"
#include "core/base/units.h"
#include "core/stack/watch_keys.h"
#include "core/stack/watch_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

/// Parts of a deployment's file that this version does not act on. Their form is checked all the same: a file that is
/// written today holds when they come.
namespace portolan::stack {

namespace {

Error wrong(const std::string &what, const std::string &mend = {}) { return failure(ErrorKind::Invalid, what, mend); }

using Check = std::function<Result<void>(WatchValue &)>;

WatchKey later(std::string key, std::string_view meaning, Check check, bool required = false, bool list = false)
{
    return {std::move(key), list, false, meaning, {}, required, [check = std::move(check)](WatchFile &, WatchValue &v) {
                return check(v);
            }};
}

/// The result of a reading function that keeps nothing.
template <class T> Result<void> only(const Result<T> &made)
{
    if (!made)
        return made.error();
    return {};
}

/// A name that may become an argument of a program.
Result<void> plainText(WatchValue &value)
{
    if (value.entry.text.starts_with('-'))
        return wrong("it may not begin with '-': a program would take it for an option");
    return only(readText(value.entry.text, 200));
}

Result<void> reference(WatchValue &value)
{
    const auto made = parseSecretRef(value.entry.text, value.folder);
    if (!made)
        return made.error();
    value.shown = shown(*made);
    value.secret = *made;
    value.program = made->program;
    return {};
}

Result<void> postgres(WatchValue &value)
{
    const auto made = readPostgresUrl(value.entry.text);
    if (!made)
        return made.error();
    value.shown = *made;
    return {};
}

/// "deployment/web": a kind of workload and its name (RFC 1123, as Kubernetes has it).
Result<void> workload(WatchValue &value)
{
    const std::string_view text = value.entry.text;
    const auto slash = text.find('/');
    const auto kind = text.substr(0, slash);
    const auto name = slash == text.npos ? std::string_view() : text.substr(slash + 1);
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; };
    if ((kind != "deployment" && kind != "statefulset" && kind != "replicaset") || name.empty() || name.size() > 253 ||
        !std::ranges::all_of(name, fits) || name.front() == '-')
        return wrong("it names no workload", "Write deployment/NAME or statefulset/NAME");
    return {};
}

Result<void> dockerHost(WatchValue &value)
{
    const std::string_view text = value.entry.text;
    if (text.starts_with("unix:///") && text.size() > 8)
        return only(readText(text, 256));
    if (text.starts_with("tcp://"))
        return only(readHostPort(text.substr(6), 0));
    return wrong("it names no Docker", "Write unix:///var/run/docker.sock or tcp://HOST:PORT");
}

/// What a person pays: a number that is not negative.
Result<void> price(WatchValue &value)
{
    const std::string &text = value.entry.text;
    double number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || !std::isfinite(number) || number < 0 ||
        number > 1e9)
        return wrong("write a number that is not negative");
    return {};
}

Result<void> size(WatchValue &value) { return only(readCount(value.entry.text, 0, 10'000)); }

/// An argument list, no shell: its first item is the program.
Result<void> program(WatchValue &value)
{
    const auto made = secretOfProgram(value.entry.items, {});
    if (!made)
        return made.error();
    value.program = made->program;
    value.shown = shown(*made);
    return {};
}

Result<void> metric(WatchValue &value)
{
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.'; };
    if (value.entry.text.empty() || value.entry.text.size() > 100 || !std::ranges::all_of(value.entry.text, fits))
        return wrong("it names no metric", "Write for example redis_memory");
    return {};
}

/// As tier files have it.
Result<void> threshold(WatchValue &value)
{
    if (value.entry.text == "red" || price(value) || parseSize(value.entry.text) || parseDuration(value.entry.text))
        return {};
    return wrong("write a number, a size, a duration or \"red\"");
}

Result<void> mail(WatchValue &value)
{
    const std::string_view text = value.entry.text;
    const auto at = text.find('@');
    if (at == 0 || at == text.npos || at != text.rfind('@') || !checkHost(text.substr(at + 1)) ||
        !readText(text, 254) || text.find_first_of(" ,;<>") != text.npos)
        return wrong("it is no e-mail address");
    return {};
}

/// Its address often is its secret.
Result<void> webhook(WatchValue &value)
{
    if (!value.entry.text.starts_with("http"))
        return reference(value);
    return only(readHttpUrl(value.entry.text));
}

constexpr std::array<std::string_view, 9> kinds{"celery",      "kubernetes", "compose",      "systemd", "azure-plan",
                                                "redis-cloud", "heroku",     "digitalocean", "command"};

Result<void> kind(WatchValue &value)
{
    if (std::ranges::find(kinds, std::string_view(value.entry.text)) != kinds.end())
        return {};
    const std::string close = closestTo(value.entry.text, {kinds.begin(), kinds.end()});
    return wrong("there is no such kind of target",
                 close.empty()
                     ? "Use celery, kubernetes, compose, systemd, azure-plan, redis-cloud, heroku, digitalocean "
                       "or command"
                     : "did you mean " + close + '?');
}

void addTarget(std::vector<WatchKey> &keys)
{
    keys.push_back(later("target.id", "name of what is scaled", plainText, true));
    keys.push_back(later("target.kind", "what it is: celery, kubernetes, compose, systemd, command, …", kind, true));
    keys.push_back(later("target.min", "smallest size", size));
    keys.push_back(later("target.max", "largest size", size));
    keys.push_back(later("target.price", "of a unit, a month, in the tier's currency", price));
    keys.push_back(later("target.workload", "kubernetes: deployment/NAME or statefulset/NAME", workload));
    keys.push_back(later("target.service", "compose: its service", plainText));
    keys.push_back(later("target.unit", "systemd: its unit", plainText));
    keys.push_back(
        later("target.read", "command: program that prints the size, and its arguments", program, false, true));
    keys.push_back(later("target.set", "command: program that sets it; {size} is the number", program, false, true));
    keys.push_back(later("target.ready", "command: program that ends well once it is reached", program, false, true));
}

} // namespace

std::vector<WatchKey> laterKeys()
{
    std::vector<WatchKey> keys;
    for (const std::string part : {"postgresql", "pgbouncer"}) {
        keys.push_back(later(part + ".url", "postgresql://USER@HOST:PORT/NAME, no password", postgres, true));
        keys.push_back(later(part + ".password", "where its password is", reference));
    }
    keys.push_back(later("kubernetes.context", "context of the kubeconfig", plainText));
    keys.push_back(later("kubernetes.namespace", "namespace of the deployment", plainText));
    keys.push_back(later("kubernetes.web", "workload of the web part, deployment/NAME", workload));
    keys.push_back(later("kubernetes.worker", "workload of the workers, deployment/NAME", workload));
    keys.push_back(later("docker.host", "unix:///PATH or tcp://HOST:PORT", dockerHost));
    keys.push_back(later("docker.project", "compose project", plainText));
    keys.push_back(later("docker.web", "service of the web part", plainText));
    keys.push_back(later("docker.worker", "service of the workers", plainText));
    addTarget(keys);
    keys.push_back(later("alerts.metric", "what is watched, such as redis_memory", metric, true));
    keys.push_back(later("alerts.above", "a number, a size, a duration, or red", threshold, true));
    keys.push_back(later("alerts.action", "what is done then", plainText));
    keys.push_back(later("receivers.*.mail", "address that alerts are sent to", mail));
    keys.push_back(later("receivers.*.webhook", "URL that alerts are sent to, or where it is kept", webhook));
    return keys;
}

std::vector<std::pair<std::string, Error>> checkTarget(const std::vector<TomlEntry> &entries)
{
    const auto find = [&](std::string_view key) {
        const auto found = std::ranges::find(entries, key, &TomlEntry::key);
        return found == entries.end() ? nullptr : &*found;
    };
    std::vector<std::pair<std::string, Error>> mistakes;
    const auto *is = find("kind");
    const auto needs = [&](std::string_view wanted, std::string_view key) {
        if (is && is->text == wanted && !find(key))
            mistakes.emplace_back(key, wrong("is missing: a target of kind " + std::string(wanted) + " has one"));
        if (is && is->text != wanted && find(key))
            mistakes.emplace_back(key, wrong("only a target of kind " + std::string(wanted) + " has one"));
    };
    needs("kubernetes", "workload");
    needs("compose", "service");
    needs("systemd", "unit");
    needs("command", "read");
    needs("command", "set");
    const auto *least = find("min");
    const auto *most = find("max");
    const auto low = least ? readCount(least->text, 0, 10'000) : Result<std::uint32_t>(0U);
    const auto high = most ? readCount(most->text, 0, 10'000) : Result<std::uint32_t>(10'000U);
    if (low && high && *low > *high)
        mistakes.emplace_back("min", wrong("it is above max"));
    return mistakes;
}

} // namespace portolan::stack
