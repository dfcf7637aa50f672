#pragma once

#include "core/api/deployment.h"
#include "ui/widgets/zone_badge.h"

#include <QLabel>

namespace portolan::ui {

/// Which deployment this is, and how it stands, in one sentence.
class DeploymentHeader final : public QWidget
{
    Q_OBJECT

public:
    explicit DeploymentHeader(QWidget *parent = nullptr);
    void show(const Deployment &deployment);
    QString verdict() const { return m_verdict->accessibleName(); }

protected:
    void resizeEvent(QResizeEvent *event) override;

private:
    void elide();

    QLabel *m_name;
    QLabel *m_facts;
    ZoneBadge *m_verdict;
    QString m_fullName;
};

} // namespace portolan::ui
