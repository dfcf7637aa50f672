// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/deployment.h"
#include "core/base/json_query.h"

#include <boost/json/object.hpp>

#include <QNetworkAccessManager>
#include <QNetworkReply>
#include <QTimer>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace portolan {

/// A portal elsewhere, asked over HTTP with an access token. It walks the tables that the server's routes are made of,
/// Questions and Action, and knows none of them by name: what one of them says over HTTP is tried here.
class HttpDeployment final : public Deployment
{
public:
    HttpDeployment();
    ~HttpDeployment() override;

    /// Looks at a portal each second from now on. `token`: of an account that may.
    void attach(std::string url, std::string token);
    void detach(); ///< calls under way answer Cancelled

    DeploymentInfo info() const override { return m_info; }
    LinkState link() const override { return m_link; }
    LinkReason linkReason() const override { return m_reason; }
    std::shared_ptr<const Snapshot> latest() const override { return m_latest; }
    Capability capability(const Action &action) const override;
    QFuture<Result<ActionPreview>> preview(Action action) override;
    QFuture<Result<ActionOutcome>> perform(Action action, Permit permit) override;

protected:
    void answer(AnyAsked asked) override;

private:
    using Done = std::function<void(const Result<std::string> &body)>;
    struct Call
    {
        QNetworkAccessManager::Operation operation = QNetworkAccessManager::GetOperation;
        std::string path = {}; ///< and query
        std::string body = {};
    };
    void send(Call call, Done done);
    void ended(QNetworkReply &reply, Call call, const Done &done);
    template <class T> QFuture<Result<T>> act(std::string path, const Action &action, std::string reason);
    void look();
    void setLink(LinkState link, LinkReason reason);
    template <class Q> static std::string addressOf(const Q &question);

    QNetworkAccessManager m_network;
    QTimer m_everySecond;
    std::set<QNetworkReply *> m_underWay;
    std::string m_url; ///< empty: detached
    std::string m_token;
    DeploymentInfo m_info;
    std::optional<DeploymentAnswer> m_offer;
    LinkState m_link = LinkState::Off;
    LinkReason m_reason = LinkReason::NotRunning;
    std::shared_ptr<const Snapshot> m_latest;
};

} // namespace portolan
