// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/fakes/redis_server_fixture.h"

#include <QProcess>
#include <QStringList>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace portolan {

/// A real Redis Cluster of primaries on free loopback ports, put together by redis-cli. Throws where that fails.
class RedisClusterFixture final
{
public:
    explicit RedisClusterFixture(int primaries = 3, std::vector<std::string> arguments = {})
    {
        QStringList words{"--cluster", "create"};
        for (int i = 0; i < primaries; ++i) {
            m_nodes.push_back(makeNode(arguments));
            words << QString::fromStdString(address(*m_nodes.back()));
        }
        redisCli(words << "--cluster-yes");
        waitUntilWhole();
    }

    RedisServerFixture &node(std::size_t index) { return *m_nodes[index]; }
    std::size_t size() const { return m_nodes.size(); }

    /// One more, a primary without slots, that all others know when this returns.
    RedisServerFixture &add(std::vector<std::string> arguments = {})
    {
        m_nodes.push_back(makeNode(arguments));
        redisCli({"--cluster", "add-node", QString::fromStdString(address(*m_nodes.back())),
                  QString::fromStdString(address(*m_nodes.front()))});
        waitUntilWhole();
        return *m_nodes.back();
    }

    /// The id of a node, as the node itself says it.
    static std::string idOf(const RedisServerFixture &node)
    {
        const std::string answer = node.command("CLUSTER MYID"); // "$40\r\n…\r\n"
        return answer.size() >= 45 ? answer.substr(5, 40) : std::string();
    }

private:
    static std::unique_ptr<RedisServerFixture> makeNode(const std::vector<std::string> &more)
    {
        // A cluster's second port would be the first plus 10,000, which there may not be.
        std::vector<std::string> words{"--cluster-enabled",      "yes",
                                       "--cluster-port",         std::to_string(RedisServerFixture::freePort()),
                                       "--cluster-node-timeout", "2000"};
        words.insert(words.end(), more.begin(), more.end());
        return std::make_unique<RedisServerFixture>(words, RedisServerFixture::Listen::Tcp);
    }
    static std::string address(const RedisServerFixture &node) { return "127.0.0.1:" + std::to_string(node.port()); }

    static void redisCli(const QStringList &arguments)
    {
        QProcess process;
        process.setProcessChannelMode(QProcess::MergedChannels);
        process.start("redis-cli", arguments);
        if (!process.waitForFinished(60'000) || process.exitCode() != 0)
            throw std::runtime_error("redis-cli: " + process.readAll().toStdString());
    }

    void waitUntilWhole() const
    {
        const std::string known = "cluster_known_nodes:" + std::to_string(m_nodes.size()) + "\r\n";
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        for (const auto &node : m_nodes) {
            for (;;) {
                const std::string info = node->command("CLUSTER INFO");
                if (info.find("cluster_state:ok") != std::string::npos && info.find(known) != std::string::npos)
                    break;
                if (std::chrono::steady_clock::now() > deadline)
                    throw std::runtime_error("the cluster does not come together: " + info);
                std::this_thread::sleep_for(std::chrono::milliseconds(20));
            }
        }
    }

    std::vector<std::unique_ptr<RedisServerFixture>> m_nodes;
};

} // namespace portolan
