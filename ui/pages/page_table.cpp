// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/page_table.h"

#include "ui/pages/connections_page.h"
#include "ui/pages/local_page.h"
#include "ui/pages/overview_page.h"
#include "ui/pages/performance_page.h"
#include "ui/pages/queue_page.h"
#include "ui/pages/redis_page.h"
#include "ui/pages/users_page.h"

#include <QCoreApplication>
#include <algorithm>

namespace portolan::ui {

namespace {

template <class P> Page *make(const PageContext &context, QWidget *parent) { return new P(context, parent); }

} // namespace

const std::vector<PageEntry> &pageTable()
{
    static const std::vector<PageEntry> table{
        {"overview", QT_TRANSLATE_NOOP("pages", "Overview"), "overview", {}, make<OverviewPage>},
        {"redis",
         QT_TRANSLATE_NOOP("pages", "Redis"),
         "redis",
         {Resource::RedisMemory, Resource::RedisOverhead, Resource::RedisCommands, Resource::RedisTraffic},
         make<RedisPage>},
        {"connections",
         QT_TRANSLATE_NOOP("pages", "Connections"),
         "connections",
         {Resource::RedisConnections},
         make<ConnectionsPage>},
        {"queue",
         QT_TRANSLATE_NOOP("pages", "Queue"),
         "queue",
         {Resource::Queue, Resource::Workers, Resource::OldestTask, Resource::FailedTasks},
         make<QueuePage>},
        {"performance",
         QT_TRANSLATE_NOOP("pages", "Performance"),
         "performance",
         {Resource::ResponseTime, Resource::ErrorRate, Resource::DbPool, Resource::Refused, Resource::Disk},
         make<PerformancePage>},
        {"users", QT_TRANSLATE_NOOP("pages", "Users"), "users", {Resource::Users}, make<UsersPage>},
        {"local", QT_TRANSLATE_NOOP("pages", "Local stack"), "local", {}, make<LocalPage>, true},
    };
    return table;
}

QString pageTitle(const PageEntry &entry) { return QCoreApplication::translate("pages", entry.title); }

QString pageExplaining(Resource resource)
{
    const auto explains = [resource](const PageEntry &entry) {
        return std::ranges::find(entry.resources, resource) != entry.resources.end();
    };
    const auto found = std::ranges::find_if(pageTable(), explains);
    return found == pageTable().end() ? QString() : found->id;
}

} // namespace portolan::ui
