// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/action.h"
#include "core/api/questions.h"

#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/integral.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <string>
#include <vector>

/// One sample of everything a deployment can be asked and told to do. One that is added without a sample here does not
/// compile, so that none escapes the contract.
namespace portolan {

/// What samples are about: of nothing in particular, or of what is there.
struct About
{
    WallTime now = WallTime{} + std::chrono::hours(24);
    Id user = 1;
    std::string address = "x@y.org"; ///< nobody has it
    std::string task = "x";
    std::uint64_t client = 1;
    std::string token = "x";
};

inline HistoryQuestion sampleOf(Tag<HistoryQuestion>, const About &about)
{
    return {{{metric::redisMemory}, about.now - std::chrono::minutes(2), about.now, 100}};
}
inline EventsQuestion sampleOf(Tag<EventsQuestion>, const About &about)
{
    return {about.now - std::chrono::hours(1), about.now};
}
inline ClientsQuestion sampleOf(Tag<ClientsQuestion>, const About &) { return {}; }
inline TasksQuestion sampleOf(Tag<TasksQuestion>, const About &) { return {}; }
inline WorkersQuestion sampleOf(Tag<WorkersQuestion>, const About &) { return {}; }
inline InstancesQuestion sampleOf(Tag<InstancesQuestion>, const About &) { return {}; }
inline UsersQuestion sampleOf(Tag<UsersQuestion>, const About &) { return {}; }
inline LimitUseQuestion sampleOf(Tag<LimitUseQuestion>, const About &about) { return {about.user}; }
inline SessionsQuestion sampleOf(Tag<SessionsQuestion>, const About &about) { return {about.user}; }
inline TokensQuestion sampleOf(Tag<TokensQuestion>, const About &) { return {}; }
inline AuditQuestion sampleOf(Tag<AuditQuestion>, const About &) { return {}; }
inline LogQuestion sampleOf(Tag<LogQuestion>, const About &) { return {}; }
inline DeploymentQuestion sampleOf(Tag<DeploymentQuestion>, const About &) { return {}; }

inline CloseClients sampleOf(Tag<CloseClients>, const About &about) { return {{about.client}}; }
inline CleanUpFamily sampleOf(Tag<CleanUpFamily>, const About &) { return {"results", {}}; }
inline ResizeWorker sampleOf(Tag<ResizeWorker>, const About &) { return {2, {}}; }
inline RevokeTasks sampleOf(Tag<RevokeTasks>, const About &about) { return {{about.task}}; }
inline RerunTasks sampleOf(Tag<RerunTasks>, const About &about) { return {{about.task}}; }
inline CreateUser sampleOf(Tag<CreateUser>, const About &about) { return {about.address, Role::User}; }
inline ChangeUser sampleOf(Tag<ChangeUser>, const About &about) { return {about.user, Role::User, {}}; }
inline ResetPassword sampleOf(Tag<ResetPassword>, const About &about) { return {about.user}; }
inline SignOutUser sampleOf(Tag<SignOutUser>, const About &about) { return {about.user}; }
inline DeleteUser sampleOf(Tag<DeleteUser>, const About &about) { return {about.user}; }
inline RevokeToken sampleOf(Tag<RevokeToken>, const About &about) { return {about.token}; }

template <class T>
concept Sampled = requires(const About &about)
{
    {
        sampleOf(Tag<T>{}, about)
        } -> std::same_as<T>;
};
template <class T> using HasSample = boost::mp11::mp_bool<Sampled<T>>;
static_assert(boost::mp11::mp_all_of<Questions, HasSample>::value, "a question has no sample");
static_assert(boost::mp11::mp_all_of<Action, HasSample>::value, "an action has no sample");

/// Calls `with` for a sample of every question, each of its own type.
template <class With> void forEveryQuestion(const About &about, With with)
{
    boost::mp11::mp_for_each<boost::mp11::mp_transform<Tag, Questions>>([&](auto tag) { with(sampleOf(tag, about)); });
}

inline std::vector<Action> everyAction(const About &about = {})
{
    std::vector<Action> all;
    boost::mp11::mp_for_each<boost::mp11::mp_transform<Tag, Action>>(
        [&](auto tag) { all.push_back(sampleOf(tag, about)); });
    return all;
}

} // namespace portolan
