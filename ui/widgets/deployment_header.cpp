// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/deployment_header.h"

#include "ui/support/advice.h"
#include "ui/support/format.h"
#include "ui/widgets/card.h"

#include <QHBoxLayout>
#include <QVBoxLayout>

namespace portolan::ui {

DeploymentHeader::DeploymentHeader(QWidget *parent)
    : QWidget(parent), m_nameRow(new QWidget), m_name(new QLabel), m_facts(mutedLabel()), m_banner(new Banner)
{
    m_name->setFont(scaledFont(font(), 1.35, true));
    m_name->setTextFormat(Qt::PlainText);
    m_name->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    m_facts->setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Preferred);
    auto *top = new QHBoxLayout(m_nameRow);
    top->setContentsMargins(0, 0, 0, 0);
    top->setSpacing(12);
    top->addWidget(m_name, 1);
    top->addWidget(m_facts, 0, Qt::AlignRight | Qt::AlignVCenter);
    auto *layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(4);
    layout->addWidget(m_banner);
    connect(m_banner, &Banner::pageWanted, this, &DeploymentHeader::pageWanted);
    layout->addWidget(m_nameRow);
}

void DeploymentHeader::show(const Deployment &deployment, const std::vector<BannerLine> &lines, const QString &problem)
{
    const DeploymentInfo info = deployment.info();
    m_fullName = text(info.name);
    m_name->setToolTip(m_fullName);
    QStringList facts;
    if (info.production)
        facts << tr("production");
    if (!info.tier.empty())
        facts << tr("tier %1").arg(text(info.tier));
    if (!info.url.empty())
        facts << text(info.url);
    m_facts->setText(facts.join("  ·  "));
    elide();
    const auto snapshot = deployment.latest();
    const bool live = deployment.link() == LinkState::Live && snapshot;
    m_banner->setLines(lines, live ? adviceText(*snapshot) : problem);
}

void DeploymentHeader::elide()
{
    m_name->setText(m_name->fontMetrics().elidedText(m_fullName, Qt::ElideMiddle, m_name->width()));
}

void DeploymentHeader::resizeEvent(QResizeEvent *event)
{
    QWidget::resizeEvent(event);
    elide();
}

} // namespace portolan::ui
