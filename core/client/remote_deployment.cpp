// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/client/remote_deployment.h"

#include "core/base/json_answer.h"
#include "core/base/json_query.h"
#include "core/base/json_request.h"
#include "core/client/portal_error.h"
#include "core/net/coded.h"
#include "core/net/proxy_dialer.h"

#include <algorithm>
#include <utility>

namespace portolan::client {
namespace {

using namespace std::chrono_literals;

constexpr JsonLimits limits{.depth = 32, .string = 1 << 20, .items = 1'000'000};
constexpr std::chrono::milliseconds questionTime = 10s;
constexpr std::chrono::milliseconds longQuestionTime = 30s; ///< of what may have to look through much
constexpr std::chrono::milliseconds previewTime = 30s;
constexpr std::chrono::milliseconds actionTime = 60s;

/// One text as a segment of a path.
std::string segment(const std::string &text) { return writeQuery(QueryParameters{{"", text}}).substr(1); }

/// Of a question: what stands in braces of its path is a member, the others are its query.
template <class Q> std::string addressOf(const Q &question)
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

template <class Q> constexpr std::chrono::milliseconds timeOf()
{
    constexpr bool takesLong = std::is_same_v<Q, TasksQuestion> || std::is_same_v<Q, HistoryQuestion>;
    return takesLong ? longQuestionTime : questionTime;
}

template <class T, class Read>
awaitable<Result<T>> answerOf(std::shared_ptr<FarEnd> far, FarEnd::Call call, std::string where, Read read)
{
    const auto body = co_await far->call(std::move(call));
    if (!body)
        co_return body.error();
    Result<T> answer = read(*body);
    if (!answer)
        co_return notUnderstood(where, answer.error());
    co_return answer;
}

} // namespace

RemoteDeployment::RemoteDeployment(Spec spec, const FarEnd::Parts &parts, std::chrono::milliseconds lostAfter,
                                   QObject *parent)
    : Deployment(parent), m_spec(std::move(spec)), m_parts(parts), m_lostAfter(lostAfter)
{
    m_info.url = m_spec.address.display();
    m_info.name = m_spec.name.empty() ? m_spec.address.origin.authority() + m_spec.address.base : m_spec.name;
    m_silence.setSingleShot(true);
    connect(&m_silence, &QTimer::timeout, this, [this] {
        take(); // it may be on its way: then it was this thread that was late
        if (!m_silence.isActive() && m_link == LinkState::Live)
            setLink(LinkState::Lost, LinkReason::Silent);
    });
}

RemoteDeployment::~RemoteDeployment() { end(); }

void RemoteDeployment::attach()
{
    if (m_far)
        return;
    FarEnd::Parts parts = m_parts;
    auto way = net::dialerFor(m_spec.reach, m_parts.dialer);
    if (!way)
        return setLink(LinkState::Connecting, LinkReason::Unreachable, way.error());
    parts.dialer = std::move(*way);
    m_mailbox = std::make_shared<Mailbox>(*this, [this] { take(); });
    m_far = std::make_shared<FarEnd>(farSpec(), parts, m_mailbox);
    m_far->start(m_look);
    setLink(LinkState::Connecting, LinkReason::FirstSample);
}

FarEnd::Spec RemoteDeployment::farSpec() const
{
    Credentials who{{}, m_spec.token};
    if (m_spec.token.empty())
        who = {m_spec.email, m_spec.password};
    return {m_spec.address, m_spec.trust, std::move(who)};
}

void RemoteDeployment::look(Look look)
{
    m_look = look;
    if (m_far)
        m_far->look(look);
    if (m_silence.isActive())
        m_silence.start(silence());
}

void RemoteDeployment::detach()
{
    end();
    m_offer.reset();
    setLink(LinkState::Off, LinkReason::Gone);
}

void RemoteDeployment::end()
{
    m_silence.stop();
    if (m_mailbox)
        m_mailbox->close();
    if (const auto far = std::exchange(m_far, nullptr))
        far->stop();
    m_calls.cancelAll();
}

void RemoteDeployment::take()
{
    if (!m_far)
        return;
    News news = m_mailbox->take();
    if (news.offer)
        takeOffer(std::move(*news.offer));
    if (news.sample) {
        const bool known =
            m_latest && m_latest->sequence == news.sample->sequence && m_latest->time == news.sample->time;
        m_latest = std::move(news.sample);
        if (news.ahead)
            m_skew.add(*news.ahead);
        m_silence.start(silence());
        setLink(LinkState::Live, LinkReason::No);
        if (!known) // whoever connects again is sent the last one
            emit sampled(m_latest);
    }
    if (news.trouble) {
        m_silence.stop();
        const auto reason = reasonOf(*news.trouble);
        setLink(m_latest ? LinkState::Lost : LinkState::Connecting, reason, std::move(news.trouble));
    }
}

void RemoteDeployment::takeOffer(DeploymentAnswer offer)
{
    if (m_offer == offer)
        return;
    m_info.tier = offer.tier;
    m_info.version = offer.version;
    m_info.role = offer.role;
    m_info.production = offer.production;
    m_offer = std::move(offer);
    emit changed();
}

void RemoteDeployment::setLink(LinkState link, LinkReason reason, std::optional<Error> trouble)
{
    if (m_link == link && m_reason == reason && m_trouble == trouble)
        return;
    m_link = link;
    m_reason = reason;
    m_trouble = std::move(trouble);
    emit changed();
}

Error RemoteDeployment::notThere() const
{
    if (m_trouble)
        return *m_trouble;
    return failure(ErrorKind::Unavailable, "This console is not attached to " + m_info.url + ".", "Attach it again.");
}

Error RemoteDeployment::notKnownThere() const
{
    return net::coded(ErrorKind::Unsupported, "portal-version",
                      m_info.url + (m_info.version.empty() ? "" : " (" + m_info.version + ")") + " does not know this.",
                      "It is of another version than this console.");
}

Capability RemoteDeployment::capability(const Action &action) const
{
    if (!m_far)
        return {.why = WhyNot::NoAnswer};
    if (!m_offer)
        return {.why = m_trouble ? WhyNot::NoAnswer : WhyNot::Starting};
    const auto offer = std::ranges::find(m_offer->actions, traitsOf(action).name, &ActionOffer::name);
    if (offer == m_offer->actions.end())
        return {.why = WhyNot::NotKnownThere};
    const auto *cleanUp = std::get_if<CleanUpFamily>(&action);
    if (offer->capability.available() && cleanUp && !cleanUp->family.empty())
        return {.why = whyNotCleanedUp(cleanUp->family)};
    return offer->capability;
}

void RemoteDeployment::answer(AnyAsked asked)
{
    std::visit(
        [this]<class Q>(Asked<Q> &one) {
            using Answer = typename Q::Answer;
            if (!m_far || m_trouble)
                return one.reply->finish(notThere());
            if (m_offer && std::ranges::find(m_offer->questions, routeOf(Tag<Q>{}).path, &QuestionOffer::path) ==
                               m_offer->questions.end())
                return one.reply->finish(notKnownThere());
            FarEnd::Call call{.path = addressOf(one.question), .deadline = timeOf<Q>()};
            const auto read = [](const std::string &body) { return readAnswer<Answer>(body, limits); };
            m_calls.start<Answer>(
                m_parts.executor,
                [far = m_far, call = std::move(call), where = m_info.url, read] {
                    return answerOf<Answer>(far, call, where, read);
                },
                std::move(one.reply));
        },
        asked);
}

template <class T>
QFuture<Result<T>> RemoteDeployment::act(std::string_view path, const Action &action, const std::string &reason,
                                         std::chrono::milliseconds deadline)
{
    if (!m_far || m_trouble)
        return answered<T>(notThere());
    if (capability(action).why == WhyNot::NotKnownThere)
        return answered<T>(notKnownThere());
    auto members = std::visit([](const auto &one) { return requestJson(one); }, action);
    members["reason"] = reason;
    FarEnd::Call call{.verb = net::Verb::Post,
                      .path = std::string(path).append(traitsOf(action).name),
                      .body = jsonText(boost::json::value(std::move(members))),
                      .deadline = deadline};
    const auto read = [](const std::string &body) { return readJson<T>(body, JsonMode::Lenient, limits); };
    return m_calls.start<T>(m_parts.executor, [far = m_far, call = std::move(call), where = m_info.url, read] {
        return answerOf<T>(far, call, where, read);
    });
}

QFuture<Result<ActionPreview>> RemoteDeployment::preview(Action action)
{
    return act<ActionPreview>("/api/admin/preview/", action, {}, previewTime);
}

QFuture<Result<ActionOutcome>> RemoteDeployment::perform(Action action, Permit permit)
{
    return act<ActionOutcome>("/api/admin/actions/", action, std::move(permit).reason(), actionTime);
}

} // namespace portolan::client
