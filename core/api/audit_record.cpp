// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/audit_record.h"

#include <boost/describe/enum_to_string.hpp>

#include <cctype>

namespace portolan {

namespace {

template <class E> std::string nameOf(E value)
{
    std::string name = boost::describe::enum_to_string(value, "?");
    name[0] = char(std::tolower(static_cast<unsigned char>(name[0])));
    return name;
}

/// What a fact's count is of; empty: it has none that is kept.
std::string_view countedIn(FactKind kind)
{
    switch (kind) {
    case FactKind::ConnectionsClosed:
        return "connections";
    case FactKind::KeysDeleted:
        return "keys";
    case FactKind::WorkerResized:
    case FactKind::WorkerStopped:
        return "concurrency";
    case FactKind::TasksRevoked:
    case FactKind::TasksEnqueued:
        return "tasks";
    case FactKind::AllTasksOver:
        return "ended already";
    case FactKind::MadeUpUsersDeleted:
        return "users";
    default:
        return {};
    }
}

/// Of a fact without figures.
void addState(std::string &record, const Fact &fact)
{
    switch (fact.kind) {
    case FactKind::AccountMade:
    case FactKind::AccountDeleted:
        return addField(record, "email", fact.name);
    case FactKind::AccountDisabled:
        return addField(record, "disabled", "yes");
    case FactKind::AccountEnabled:
        return addField(record, "disabled", "no");
    case FactKind::PasswordMade:
        return addField(record, "password", "new");
    case FactKind::SignedOut:
        return addField(record, "sessions", "all");
    case FactKind::CopyKept:
        return addField(record, "copy", "kept");
    case FactKind::LastAdminStays:
        return addField(record, "last admin", "stays");
    case FactKind::Added:
        return fact.amounts.empty() ? addField(record, "added", "nothing") : void();
    case FactKind::EverythingUnseen:
        return addField(record, "contents", "not counted");
    default:
        return;
    }
}

} // namespace

void addField(std::string &record, std::string_view key, std::string_view value)
{
    record.append(record.empty() ? "" : ", ").append(key).append(": ").append(value);
}

std::string recordOf(const std::vector<Fact> &facts)
{
    std::string record;
    for (const Fact &fact : facts) {
        if (const std::string_view key = countedIn(fact.kind); !key.empty() && fact.count)
            addField(record, key, std::to_string(*fact.count));
        addState(record, fact);
        if (fact.bytes)
            addField(record, "bytes", std::to_string(*fact.bytes));
        if (fact.role)
            addField(record, "role", nameOf(*fact.role));
        for (const Amount &amount : fact.amounts)
            addField(record, nameOf(amount.of), std::to_string(amount.count));
    }
    return record;
}

} // namespace portolan
