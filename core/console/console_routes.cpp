// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/console/console_routes.h"

#include "core/api/action.h"
#include "core/base/json.h"
#include "core/base/json_schema.h"
#include "core/console/actions.h"
#include "core/console/question_routes.h"
#include "core/console/questions.h"
#include "core/http/actor.h"
#include "core/http/uri.h"
#include "core/monitor/history.h"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <concepts>
#include <iterator>

namespace portolan::console {
namespace {

constexpr std::size_t mostPoints = 200'000;   ///< in one answer: some 20 MB
constexpr std::size_t actionBody = 64 * 1024; ///< 1,000 connections, or 100 tasks with long names

/// An action as it was asked for, and why.
template <class A> struct Wanted
{
    A action;
    std::string reason;
};

template <class A> Result<Wanted<A>> readAction(const std::string &body)
{
    auto value = parseJson(body.empty() ? "{}" : body);
    if (!value)
        return value.error();
    Wanted<A> wanted;
    if (auto *const members = value->if_object()) {
        if (const auto *reason = members->if_contains("reason")) {
            const auto *text = reason->if_string();
            if (!reason->is_null() && !text)
                return badField("The reason cannot be read.", "/reason", "must be a text of at most 2048 bytes");
            if (text)
                wanted.reason = *text;
            if (const auto fits = http::checkReason(wanted.reason); !fits)
                return fits.error();
            members->erase("reason");
        }
    }
    auto action = fromJson<A>(*value, JsonMode::Strict);
    if (!action)
        return action.error();
    wanted.action = std::move(*action);
    return wanted;
}

/// Of the body of both routes of an action.
template <class A> const std::string &bodySchema()
{
    static const std::string text = [] {
        auto schema = boost::json::parse(requestSchema<A>());
        schema.at("properties").as_object()["reason"] =
            boost::json::object{{"type", boost::json::array{"string", "null"}}, {"maxLength", http::longestReason}};
        return jsonText(schema);
    }();
    return text;
}

/// Of what the sampler brings more often while somebody looks.
template <class Q> constexpr bool isOfSamples = std::same_as<Q, ClientsQuestion> || std::same_as<Q, InstancesQuestion>;

template <class Q> auto ask(PortalServices services, Principal asker, Q question)
{
    return answerTo(std::move(services), std::move(asker), std::move(question));
}
auto ask(PortalServices services, const Principal &, HistoryQuestion question)
{
    return services.history.query(std::move(question.query), mostPoints);
}

template <class T> http::Response written(const http::Request &request, const Result<T> &result)
{
    if (!result)
        return http::problem(request, result.error());
    return http::json(writeJson(*result)).with("Cache-Control", "no-store"); // it may hold a password
}

} // namespace

Result<QueryParameters> parametersOf(const http::Request &request)
{
    QueryParameters all;
    for (std::size_t i = 0; i < request.paramCount; ++i)
        all.emplace_back(request.params[i]);
    auto query = http::queryValues(request.query);
    if (!query)
        return failure(ErrorKind::Invalid, "The query of the address is malformed.");
    for (const auto &[name, value] : all)
        if (std::ranges::find(*query, name, [](const auto &one) { return one.first; }) != query->end())
            return badField("The address says that twice.", '/' + name, "must stand in the path only");
    std::ranges::move(*query, std::back_inserter(all));
    return all;
}

bool namesNothing(std::string_view path, const Error &error)
{
    return std::ranges::any_of(error.fields, [path](const FieldError &field) {
        return field.pointer.size() > 1 && path.find('{' + field.pointer.substr(1) + '}') != std::string_view::npos;
    });
}

template <class Q> void ConsoleRoutes::mountOne(http::Router &router)
{
    mountQuestion<Q>(router, [this](const Principal &asker, Q question) {
        if constexpr (isOfSamples<Q>)
            m_looked();
        return console::ask(m_services(), asker, std::move(question));
    });
}

template <class A> void ConsoleRoutes::mountAction(http::Router &router)
{
    static const std::string name(traitsOf(A{}).name);
    static const std::string tells = "What " + name + " would touch; touches nothing";
    static const std::string does = "Does " + name;
    const http::Access access{leastRole(A{}), Category::Admin, actionBody};
    router.post("/api/admin/preview/" + name, access,
                [this](http::Request &request) -> awaitable<http::Response> {
                    if (traitsOf(A{}).needsSession)
                        if (const auto may = portal::checkNotByToken(request.principal); !may)
                            co_return http::problem(request, may.error());
                    auto wanted = readAction<A>(request.body);
                    if (!wanted)
                        co_return http::problem(request, wanted.error());
                    auto work = previewAction(m_services(), std::move(wanted->action));
                    const auto found = co_await std::move(work);
                    co_return written(request, found);
                },
                {tells, bodySchema<A>(), answerSchema<ActionPreview>()});
    router.post("/api/admin/actions/" + name, access,
                [this](http::Request &request) -> awaitable<http::Response> {
                    auto wanted = readAction<A>(request.body);
                    if (!wanted)
                        co_return http::problem(request, wanted.error());
                    auto actor = http::actorOf(request, std::move(wanted->reason));
                    if (!actor)
                        co_return http::problem(request, actor.error());
                    auto work = performAction(m_services(), std::move(wanted->action), std::move(*actor));
                    const auto done = co_await std::move(work);
                    co_return written(request, done);
                },
                {does, bodySchema<A>(), answerSchema<ActionOutcome>()});
}

void ConsoleRoutes::mount(http::Router &router)
{
    boost::mp11::mp_for_each<boost::mp11::mp_transform<Tag, Questions>>([&]<class Q>(Tag<Q>) { mountOne<Q>(router); });
    boost::mp11::mp_for_each<boost::mp11::mp_transform<Tag, Action>>([&]<class A>(Tag<A>) { mountAction<A>(router); });
}

} // namespace portolan::console
