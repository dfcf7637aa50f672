// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/contract/deployment/http_deployment.h"

#include "core/base/json.h"
#include "core/base/json_answer.h"
#include "core/base/json_request.h"
#include "core/base/names.h"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace portolan {
namespace {

using namespace std::chrono_literals;

constexpr JsonLimits limits{.depth = 32, .string = 1 << 20, .items = 1'000'000};
constexpr std::chrono::seconds longest{60};

constexpr std::pair<int, ErrorKind> kindOfStatus[] = {
    {400, ErrorKind::Invalid},     {401, ErrorKind::Unauthenticated}, {403, ErrorKind::Forbidden},
    {404, ErrorKind::NotFound},    {409, ErrorKind::Conflict},        {413, ErrorKind::TooLarge},
    {429, ErrorKind::RateLimited}, {501, ErrorKind::Unsupported},     {502, ErrorKind::Protocol},
    {503, ErrorKind::Unavailable}, {504, ErrorKind::Timeout}};

std::string textIn(const boost::json::object &object, std::string_view name)
{
    const auto *value = object.if_contains(name);
    const auto *text = value ? value->if_string() : nullptr;
    return text ? std::string(*text) : std::string();
}

/// RFC 9457, as core/http/problem.h writes it: the kind by its name, where that is one, else by the status.
Error errorOf(int status, const std::string &body, const QByteArray &retryAfter)
{
    Error error = failure(ErrorKind::Internal, "The portal answered " + std::to_string(status) + ".");
    for (const auto &[code, kind] : kindOfStatus)
        if (code == status)
            error.kind = kind;
    error.retryAfter = std::chrono::seconds(retryAfter.toInt());
    boost::system::error_code broken;
    const auto value = boost::json::parse(body, broken);
    if (broken || !value.is_object())
        return error;
    const auto &problem = value.get_object();
    error.message = textIn(problem, "detail");
    const std::string type = textIn(problem, "type");
    const std::string name = type.substr(type.rfind('/') + 1);
    if (const auto kind = enumFromName<ErrorKind>(name))
        error.kind = *kind;
    else
        error.code = name;
    if (const auto *fields = problem.if_contains("errors"))
        error.fields = fromJson<std::vector<FieldError>>(*fields, JsonMode::Lenient).value();
    return error;
}

/// One text as a segment of a path.
std::string segment(const std::string &text) { return writeQuery(QueryParameters{{"", text}}).substr(1); }

} // namespace

HttpDeployment::HttpDeployment()
{
    m_info.name = "A portal over HTTP";
    m_everySecond.setInterval(1s);
    connect(&m_everySecond, &QTimer::timeout, this, &HttpDeployment::look);
}

HttpDeployment::~HttpDeployment()
{
    blockSignals(true);
    detach();
}

void HttpDeployment::attach(std::string url, std::string token)
{
    m_url = std::move(url);
    m_token = std::move(token);
    m_info.url = m_url;
    setLink(LinkState::Connecting, LinkReason::FirstSample);
    look();
    m_everySecond.start();
}

void HttpDeployment::detach()
{
    m_everySecond.stop();
    m_url.clear();
    m_info.url.clear();
    m_offer.reset();
    for (QNetworkReply *reply : std::set(m_underWay))
        reply->abort(); // which ends it at once
    setLink(LinkState::Off, LinkReason::NotRunning);
}

void HttpDeployment::setLink(LinkState link, LinkReason reason)
{
    if (m_link == link && m_reason == reason)
        return;
    m_link = link;
    m_reason = reason;
    emit changed();
}

/// What it offers first, then a sample: whoever sees one knows what can be done.
void HttpDeployment::look()
{
    if (!m_offer) {
        send({.path = addressOf(DeploymentQuestion{})}, [this](const Result<std::string> &body) {
            auto offer = body ? readAnswer<DeploymentAnswer>(*body, limits) : Result<DeploymentAnswer>(body.error());
            if (!offer || m_url.empty())
                return;
            m_info.tier = offer->tier;
            m_info.version = offer->version;
            m_info.role = offer->role;
            m_info.production = offer->production;
            m_offer = std::move(*offer);
            emit changed();
            look();
        });
        return;
    }
    send({.path = "/api/admin/snapshot"}, [this](const Result<std::string> &body) {
        auto sample = body ? readJson<Snapshot>(*body, JsonMode::Lenient, limits) : Result<Snapshot>(body.error());
        if (!sample || m_url.empty() || (m_latest && m_latest->sequence == sample->sequence))
            return;
        m_latest = std::make_shared<const Snapshot>(std::move(*sample));
        setLink(LinkState::Live, LinkReason::No);
        emit sampled(m_latest);
    });
}

Capability HttpDeployment::capability(const Action &action) const
{
    if (!m_offer)
        return {.why = m_url.empty() ? WhyNot::NotRunning : WhyNot::Starting};
    const auto offer = std::ranges::find(m_offer->actions, traitsOf(action).name, &ActionOffer::name);
    if (offer == m_offer->actions.end())
        return {.why = WhyNot::NoAnswer};
    const auto *cleanUp = std::get_if<CleanUpFamily>(&action);
    if (offer->capability.available() && cleanUp && !cleanUp->family.empty())
        return {.why = whyNotCleanedUp(cleanUp->family)};
    return offer->capability;
}

void HttpDeployment::send(Call call, Done done)
{
    if (m_url.empty())
        return done(failure(ErrorKind::Unavailable, "No portal is attached."));
    QNetworkRequest request(QUrl(QString::fromStdString(m_url + call.path)));
    request.setRawHeader("Authorization", QByteArray::fromStdString("Bearer " + m_token));
    request.setHeader(QNetworkRequest::ContentTypeHeader, "application/json");
    request.setTransferTimeout(int(std::chrono::milliseconds(longest).count()));
    auto *reply = call.operation == QNetworkAccessManager::GetOperation
                      ? m_network.get(request)
                      : m_network.post(request, QByteArray::fromStdString(call.body));
    m_underWay.insert(reply);
    connect(reply, &QNetworkReply::finished, this,
            [this, reply, call = std::move(call), done = std::move(done)] { ended(*reply, call, done); });
}

void HttpDeployment::ended(QNetworkReply &reply, Call call, const Done &done)
{
    m_underWay.erase(&reply);
    reply.deleteLater();
    const int status = reply.attribute(QNetworkRequest::HttpStatusCodeAttribute).toInt();
    const std::string body = reply.isOpen() ? reply.readAll().toStdString() : std::string();
    if (reply.error() == QNetworkReply::OperationCanceledError && m_url.empty())
        return done(failure(ErrorKind::Cancelled, "The call was given up."));
    if (status == 0)
        return done(
            failure(ErrorKind::Unavailable, "The portal cannot be reached: " + reply.errorString().toStdString()));
    if (status / 100 == 2)
        return done(body);
    const auto error = errorOf(status, body, reply.rawHeader("Retry-After"));
    if (error.kind != ErrorKind::RateLimited || m_url.empty())
        return done(error);
    // The guard of a session: what was asked too fast is asked again.
    QTimer::singleShot(std::max(error.retryAfter, 1s), this,
                       [this, call = std::move(call), done] { send(call, done); });
}

/// Of a question: what stands in braces of its path is a member, the others are its query.
template <class Q> std::string HttpDeployment::addressOf(const Q &question)
{
    std::string path(routeOf(Tag<Q>{}).path);
    QueryParameters query;
    for (auto &[name, value] : queryParameters(question)) {
        const std::string braces = '{' + name + '}';
        if (const auto at = path.find(braces); at != std::string::npos)
            path.replace(at, braces.size(), segment(value));
        else
            query.emplace_back(name, value);
    }
    return query.empty() ? path : path + '?' + writeQuery(query);
}

void HttpDeployment::answer(AnyAsked asked)
{
    std::visit(
        [this]<class Q>(Asked<Q> &one) {
            send({.path = addressOf(one.question)}, [reply = std::move(one.reply)](const Result<std::string> &body) {
                reply->finish(body ? readAnswer<typename Q::Answer>(*body, limits)
                                   : Result<typename Q::Answer>(body.error()));
            });
        },
        asked);
}

template <class T> QFuture<Result<T>> HttpDeployment::act(std::string path, const Action &action, std::string reason)
{
    auto members = std::visit([](const auto &one) { return requestJson(one); }, action);
    members["reason"] = reason;
    auto reply = std::make_shared<Promised<T>>();
    send({QNetworkAccessManager::PostOperation, path.append(traitsOf(action).name),
          jsonText(boost::json::value(std::move(members)))},
         [reply](const Result<std::string> &body) {
             reply->finish(body ? readJson<T>(*body, JsonMode::Lenient, limits) : Result<T>(body.error()));
         });
    return reply->future();
}

QFuture<Result<ActionPreview>> HttpDeployment::preview(Action action)
{
    return act<ActionPreview>("/api/admin/preview/", action, {});
}

QFuture<Result<ActionOutcome>> HttpDeployment::perform(Action action, Permit permit)
{
    return act<ActionOutcome>("/api/admin/actions/", action, std::move(permit).reason());
}

} // namespace portolan
