// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/questions.h"
#include "core/base/json_answer.h"
#include "core/base/json_query.h"
#include "core/base/query_schema.h"
#include "core/http/problem.h"
#include "core/http/router.h"
#include "core/portal/token_rights.h"

#include <string>
#include <utility>

/// One of Questions as a route: where its line in questions.h says, its parameters read into its members, its answer
/// written as json_answer.h says, and all of it in the API's document.
namespace portolan::console {

/// What a request asks, by name: the `{…}`s of its path, then its query. Invalid where that is malformed, or its query
/// has another value for a part of the path.
Result<QueryParameters> parametersOf(const http::Request &request);

/// Whether a question was refused for what stands in its path: nothing is there, then.
bool namesNothing(std::string_view path, const Error &error);

template <class Q> http::Doc docOf()
{
    constexpr Route route = routeOf(Tag<Q>{});
    static const std::string parameters = parametersSchema<Q>(route.path);
    return {route.summary, {}, writtenSchema<typename Q::Answer>(), parameters};
}

template <class Q> Result<Q> readQuestion(const http::Request &request)
{
    const auto parameters = parametersOf(request);
    if (!parameters)
        return parameters.error();
    auto question = readQuery<Q>(*parameters);
    if (!question && namesNothing(routeOf(Tag<Q>{}).path, question.error()))
        return failure(ErrorKind::NotFound, "There is nothing of this id.");
    return question;
}

/// `ask(principal, question)`: an awaitable of its answer.
template <class Q, class Ask> void mountQuestion(http::Router &router, Ask ask)
{
    constexpr Route route = routeOf(Tag<Q>{});
    static_assert(route.method == Method::Get, "a question changes nothing");
    static_assert(!route.summary.empty(), "the document of the API says what every route is");
    auto handle = [ask = std::move(ask)](http::Request &request) -> awaitable<http::Response> {
        if (route.needsSession)
            if (const auto may = portal::checkNotByToken(request.principal); !may)
                co_return http::problem(request, may.error());
        auto question = readQuestion<Q>(request);
        if (!question)
            co_return http::problem(request, question.error());
        auto work = ask(request.principal, std::move(*question));
        const Result<typename Q::Answer> answer = co_await std::move(work);
        if (!answer)
            co_return http::problem(request, answer.error());
        co_return http::json(writeAnswer(*answer)).with("Cache-Control", "no-store");
    };
    router.get(std::string(route.path), {route.role, Category::Admin}, std::move(handle), docOf<Q>());
}

} // namespace portolan::console
