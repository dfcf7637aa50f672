// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/questions.h"
#include "core/console/portal_services.h"

#include <utility>
#include <vector>

/// What a portal in this process answers: one overload for each of Questions. Coroutines, any executor; errors
/// are those of the service that knows. HTTP asks here as well (question_routes.h).
namespace portolan::console {

/// Invalid: no such metric, or a bad number of points.
awaitable<Result<std::vector<Series>>> answer(PortalServices services, HistoryQuestion question);
awaitable<Result<std::vector<Event>>> answer(PortalServices services, EventsQuestion question);
/// Unavailable: no Redis, or nothing has been heard of its connections yet. Invalid: bad limit or cursor.
awaitable<Result<ClientPage>> answer(PortalServices services, ClientsQuestion question);
/// Invalid: bad limit.
awaitable<Result<TaskList>> answer(PortalServices services, TasksQuestion question);
awaitable<Result<std::vector<WorkerInfo>>> answer(PortalServices services, WorkersQuestion question);
/// Unavailable: nothing was measured yet.
awaitable<Result<std::vector<InstanceFigures>>> answer(PortalServices services, InstancesQuestion question);
/// Invalid: bad limit, or a cursor of another question.
awaitable<Result<UserPage>> answer(PortalServices services, UsersQuestion question);
awaitable<Result<std::vector<LimitUse>>> answer(PortalServices services, LimitUseQuestion question);
awaitable<Result<std::vector<SessionEntry>>> answer(PortalServices services, SessionsQuestion question);
/// Invalid: bad limit or cursor.
awaitable<Result<AuditPage>> answer(PortalServices services, AuditQuestion question);
/// Of this instance. Invalid: bad limit or cursor. Unsupported: another instance's. NotFound: of no instance.
awaitable<Result<LogPage>> answer(PortalServices services, LogQuestion question);
awaitable<Result<std::vector<ApiToken>>> answer(PortalServices services, TokensQuestion question);
awaitable<Result<DeploymentAnswer>> answer(PortalServices services, DeploymentQuestion question, Principal asker);

/// Any of Questions, for whoever asks. That they may is the caller's to have seen (Route).
template <class Q> awaitable<Result<typename Q::Answer>> answerTo(PortalServices services, Principal asker, Q question)
{
    if constexpr (requires { answer(services, question, asker); })
        return answer(std::move(services), std::move(question), std::move(asker));
    else
        return answer(std::move(services), std::move(question));
}

/// A page of all clients, for a question of them. Invalid: bad limit or cursor.
Result<ClientPage> clientPage(const std::vector<ClientInfo> &all, const ClientsQuestion &question);

/// Of all that are known those that are up.
std::vector<InstanceOffer> instancesUp(const std::vector<InstanceFigures> &all);

/// Whether a portal can answer a kind of question at all, as its Redis is and with the rights it has there; else why
/// not.
template <class Q> Capability whyNotAnswered(const PortalServices &, Tag<Q>) { return {}; }
Capability whyNotAnswered(const PortalServices &services, Tag<ClientsQuestion>);

} // namespace portolan::console
