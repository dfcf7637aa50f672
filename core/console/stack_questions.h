// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/access.h"
#include "core/api/questions.h"
#include "core/api/result.h"
#include "core/console/stack_services.h"

#include <boost/mp11/list.hpp>

#include <utility>
#include <vector>

/// What a watch of somebody else's stack answers: one overload for each of Questions, but for those it has nothing to
/// answer with, which are listed and answer Unsupported. Coroutines, any executor.
namespace portolan::console {

/// Nobody signs in to a watch in this process, and what a portal keeps of its users no watch can know.
using StackLacks = boost::mp11::mp_list<UsersQuestion, LimitUseQuestion, SessionsQuestion, TokensQuestion>;
/// What only those who take tasks can tell.
using StackLacksCelery = boost::mp11::mp_list<TasksQuestion, WorkersQuestion>;

/// Invalid: no such metric, or a bad number of points.
awaitable<Result<std::vector<Series>>> answer(StackServices services, HistoryQuestion question);
awaitable<Result<std::vector<Event>>> answer(StackServices services, EventsQuestion question);
/// Unavailable: nothing has been heard of the connections yet. Invalid: bad limit or cursor.
awaitable<Result<ClientPage>> answer(StackServices services, ClientsQuestion question);
/// None: what serves a watched stack is not told apart.
awaitable<Result<std::vector<InstanceFigures>>> answer(StackServices services, InstancesQuestion question);
/// Invalid: bad limit or cursor.
awaitable<Result<AuditPage>> answer(StackServices services, AuditQuestion question);
/// Of the watch itself. Invalid: bad limit or cursor. NotFound: of an instance.
awaitable<Result<LogPage>> answer(StackServices services, LogQuestion question);
awaitable<Result<DeploymentAnswer>> answer(StackServices services, DeploymentQuestion question, Principal asker);

/// Whether a watch can answer a kind of question at all, as its file is and with the rights it has; else why not.
template <class Q> Capability whyNotAnswered(const StackServices &, Tag<Q>)
{
    if constexpr (boost::mp11::mp_contains<StackLacks, Q>::value)
        return {.why = WhyNot::NotConfigured};
    else if constexpr (boost::mp11::mp_contains<StackLacksCelery, Q>::value)
        return {.why = WhyNot::NotYetWatched, .about = "celery"};
    else
        return {};
}
Capability whyNotAnswered(const StackServices &services, Tag<ClientsQuestion>);

/// As an answer: Unsupported, with a sentence. `why` is not available().
Error unsupported(const Capability &why);

/// Any of Questions, for whoever asks. That they may is the caller's to have seen (Route).
template <class Q> awaitable<Result<typename Q::Answer>> answerTo(StackServices services, Principal asker, Q question)
{
    if (const Capability can = whyNotAnswered(services, Tag<Q>{}); !can.available())
        co_return unsupported(can);
    if constexpr (boost::mp11::mp_contains<StackLacks, Q>::value ||
                  boost::mp11::mp_contains<StackLacksCelery, Q>::value) {
        co_return failure(ErrorKind::Unsupported, "A watch has no answer to this.");
    } else if constexpr (requires { answer(services, question, asker); }) {
        auto work = answer(std::move(services), std::move(question), std::move(asker));
        co_return co_await std::move(work);
    } else {
        auto work = answer(std::move(services), std::move(question));
        co_return co_await std::move(work);
    }
}

} // namespace portolan::console
