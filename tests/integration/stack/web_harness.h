// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/runtime.h"
#include "core/base/system_clock.h"
#include "core/stack/metrics/web_means.h"
#include "core/stack/source.h"
#include "tests/fakes/ways.h"

#include <QElapsedTimer>
#include <QTest>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

/// What sources that speak HTTP are made of, with a thread of their own, on which every name is this machine's.
namespace portolan::test {

using namespace std::chrono_literals;

class Web final
{
public:
    explicit Web(std::shared_ptr<Dialer> way = loopbackWay()) : m_way(std::move(way)) {}

    stack::WebMeans means()
    {
        SecretSources secrets;
        secrets.environment = [this](const std::string &name) -> std::optional<std::string> {
            const std::lock_guard lock(m_mutex);
            const auto found = m_secrets.find(name);
            return found == m_secrets.end() ? std::nullopt : std::optional(found->second);
        };
        return {m_clock, m_files, m_trusts, m_way, std::move(secrets)};
    }
    /// A variable that a file's `env:` may name.
    SecretRef secret(const std::string &name, const std::string &value)
    {
        const std::lock_guard lock(m_mutex);
        m_secrets[name] = value;
        return {SecretRef::Kind::Env, name, {}};
    }
    Executor executor() { return m_runtime.at(0); }

private:
    SystemClock m_clock;
    std::shared_ptr<TlsClients> m_trusts = std::make_shared<TlsClients>();
    std::shared_ptr<Dialer> m_way;
    std::mutex m_mutex;
    std::map<std::string, std::string> m_secrets;
    Runtime m_runtime{1};
    BlockingPool m_files{"files", 1, 16};
};

inline std::string urlOf(std::uint16_t port, const std::string &target, const std::string &scheme = "http")
{
    return scheme + "://shop.example:" + std::to_string(port) + target;
}

/// Whether it has come to that within `most`, looked at every few milliseconds.
inline bool becomes(const std::function<bool()> &that, std::chrono::milliseconds most = 20s)
{
    return QTest::qWaitFor(that, int(most.count()));
}

inline bool isIn(const stack::Source &source, SourceState state)
{
    return becomes([&] { return source.figures().state == state; });
}

} // namespace portolan::test
